"""Writes what SciPy, statsmodels and Pingouin say about seeded samples, for the tests of Evaluation.

Run in this folder: python generate.py
"""

import json

import numpy as np
import pingouin
import scipy
import scipy.stats as st
import statsmodels
from statsmodels.stats.multitest import multipletests


def floats(values):
    return [float(v) for v in np.asarray(values).ravel()]


def wilcoxon_cases(rng):
    samples = {
        "five without ties": rng.normal(0.3, 1, 5),
        "nine without ties": rng.normal(0.5, 1, 9),
        "twenty without ties": rng.normal(0.4, 1, 20),
        "fifty without ties": rng.normal(0.2, 1, 50),
        "one": np.array([0.25]),
        "all of one sign": np.array([1.0, 2.0, 3.5, 4.0, 6.0, 7.0]),
        "ties, eight": np.array([1.0, -1.0, 2.0, 2.0, 3.0, -3.0, 4.0, 5.0]),
        "ties and zeros, twelve": np.array(
            [0.0, 0.0, 0.5, 0.5, -0.5, 1.0, 1.0, 1.5, 2.0, -2.0, 2.5, 3.0]
        ),
        "sixty without ties": rng.normal(0.25, 1, 60),
        "ninety with ties and zeros": rng.integers(-6, 8, 90).astype(float),
    }
    cases = []
    for name, d in samples.items():
        nonzero = d[d != 0]
        n = len(nonzero)
        ties = len(np.unique(np.abs(nonzero))) < n
        if n > 50:
            r = st.wilcoxon(d, zero_method="wilcox", correction=False, method="asymptotic")
            statistic, p = r.statistic, r.pvalue
        elif not ties:
            r = st.wilcoxon(nonzero, zero_method="wilcox", method="exact")
            statistic, p = r.statistic, r.pvalue
        else:
            # Every assignment of signs; SciPy's exact method has no ties.
            r = st.wilcoxon(
                nonzero, zero_method="wilcox", method=st.PermutationMethod(n_resamples=np.inf)
            )
            statistic, p = r.statistic, r.pvalue
        rbc = float(pingouin.wilcoxon(nonzero, np.zeros(n))["RBC"].iloc[0])
        cases.append(
            dict(
                name=name,
                differences=floats(d),
                statistic=float(statistic),
                p=float(p),
                method="normal" if n > 50 else "exact",
                rankBiserial=rbc,
            )
        )
    return cases


def sign_flip_cases(rng):
    cases = []
    for name, d in {
        "four": rng.normal(0.5, 1, 4),
        "ten": rng.normal(0.6, 1, 10),
        "twelve with zeros and ties": np.array(
            [0.0, 0.0, 1.0, 1.0, -1.0, 2.0, 0.5, 0.5, 3.0, -0.5, 1.5, 0.0]
        ),
        "sixteen": rng.normal(0.3, 1, 16),
        "forty": rng.normal(0.3, 1, 40),
    }.items():
        exact = len(d) <= 16
        r = st.permutation_test(
            (d,),
            np.mean,
            permutation_type="samples",
            vectorized=True,
            n_resamples=np.inf if exact else 199999,
            rng=np.random.default_rng(5),
        )
        cases.append(
            dict(
                name=name,
                differences=floats(d),
                statistic=float(r.statistic),
                p=float(r.pvalue),
                method="exact" if exact else "random",
            )
        )
    return cases


def holm_cases(rng):
    lists = [
        rng.uniform(0, 1, 7),
        np.array([0.01, 0.04, 0.03, 0.005]),
        np.array([0.02, 0.02, 0.02]),
        np.array([0.5]),
        rng.uniform(0, 0.02, 12),
    ]
    return [
        dict(p=floats(p), adjusted=floats(multipletests(p, method="holm")[1])) for p in lists
    ]


def bootstrap_cases(rng):
    """The intervals that SciPy makes of given resamples."""
    cases = []
    for name, samples in {
        "skewed": (rng.gamma(1.5, 1, 14),),
        "dice": (np.clip(rng.normal(0.9, 0.06, 25), 0, 1),),
        "two groups": (rng.gamma(2, 1, 9), rng.gamma(1, 1, 16)),
    }.items():
        statistic = (
            (lambda x, axis=-1: np.mean(x, axis=axis))
            if len(samples) == 1
            else (lambda x, y, axis=-1: np.mean(x, axis=axis) - np.mean(y, axis=axis))
        )
        results = {
            method: st.bootstrap(
                samples,
                statistic,
                n_resamples=400,
                method=method,
                rng=np.random.default_rng(9),
            )
            for method in ("percentile", "BCa")
        }
        resampled = results["BCa"].bootstrap_distribution
        assert np.array_equal(resampled, results["percentile"].bootstrap_distribution)
        many = st.bootstrap(
            samples, statistic, n_resamples=100000, method="BCa", rng=np.random.default_rng(10)
        ).confidence_interval
        cases.append(
            dict(
                name=name,
                samples=[floats(s) for s in samples],
                resampled=floats(resampled),
                percentile=floats(results["percentile"].confidence_interval),
                bca=floats(results["BCa"].confidence_interval),
                bcaOfMany=floats(many),
            )
        )
    return cases


def concordance(x, y):
    """Lin 1989 with the variance of Lin 2000, written from the papers; no library has the interval."""
    n = len(x)
    mx, my, vx, vy = x.mean(), y.mean(), x.var(), y.var()
    cov = ((x - mx) * (y - my)).mean()
    rho = 2 * cov / (vx + vy + (mx - my) ** 2)
    r = cov / np.sqrt(vx * vy)
    u = (mx - my) / (vx * vy) ** 0.25
    variance = (
        (1 - r**2) * rho**2 / ((1 - rho**2) * r**2)
        + 2 * rho**3 * (1 - rho) * u**2 / (r * (1 - rho**2) ** 2)
        - rho**4 * u**4 / (2 * r**2 * (1 - rho**2) ** 2)
    ) / (n - 2)
    z, half = np.arctanh(rho), st.norm.ppf(0.975) * np.sqrt(variance)
    return rho, [np.tanh(z - half), np.tanh(z + half)]


def volume_cases(rng):
    cases = []
    for name, n, shift, noise in (
        ("close", 24, 0.2, 1.0),
        ("biased", 15, 8.0, 3.0),
        ("four", 4, 1.0, 2.0),
    ):
        y = rng.uniform(20, 80, n)
        x = y + shift + rng.normal(0, noise, n)
        d = x - y
        sd = d.std(ddof=1)
        mean_ci = st.t.interval(0.95, n - 1, loc=d.mean(), scale=sd / np.sqrt(n))
        z = st.norm.ppf(0.975)
        limits = [d.mean() - z * sd, d.mean() + z * sd]
        half = st.t.ppf(0.975, n - 1) * sd * np.sqrt(1 / n + z**2 / (2 * (n - 1)))
        r = st.pearsonr(x, y)
        rho, rho_ci = concordance(x, y)
        cases.append(
            dict(
                name=name,
                prediction=floats(x),
                reference=floats(y),
                bias=float(d.mean()),
                sd=float(sd),
                biasCI95=floats(mean_ci),
                limits=floats(limits),
                lowerLimitCI95=floats([limits[0] - half, limits[0] + half]),
                upperLimitCI95=floats([limits[1] - half, limits[1] + half]),
                pearson=float(r.statistic),
                pearsonCI95=floats(r.confidence_interval(0.95)),
                concordance=float(rho),
                concordanceCI95=floats(rho_ci),
            )
        )
    return cases


def distribution_values():
    shares = [1e-12, 1e-6, 0.001, 0.02, 0.025, 0.1, 0.25, 0.5, 0.6, 0.9, 0.975, 0.9999]
    zs = [-8.0, -3.0, -1.0, -0.1, 0.0, 0.5, 2.0, 5.0]
    freedoms = [1, 2, 3, 7, 19, 30, 99, 499]
    return dict(
        shares=shares,
        normalQuantiles=floats(st.norm.ppf(shares)),
        zs=zs,
        normalCumulative=floats(st.norm.cdf(zs)),
        freedoms=freedoms,
        studentQuantiles=[floats(st.t.ppf([0.025, 0.2, 0.9, 0.975], f)) for f in freedoms],
        studentCumulative=[floats(st.t.cdf(zs, f)) for f in freedoms],
    )


def effect_cases(rng):
    x, y = rng.normal(0.9, 0.05, 18), rng.normal(0.87, 0.06, 18)
    # A paired effect size over the SD of the differences is that of one sample.
    d = x - y
    return [dict(first=floats(x), other=floats(y), dz=float(d.mean() / d.std(ddof=1)))]


def summary_cases(rng):
    x = np.clip(rng.normal(0.85, 0.1, 13), 0, 1)
    q = np.percentile(x, [25, 50, 75])
    return [
        dict(
            values=floats(x), mean=float(x.mean()), sd=float(x.std(ddof=1)), median=float(q[1]),
            q1=float(q[0]), q3=float(q[2]), min=float(x.min()), max=float(x.max()),
        )
    ]


def main():
    rng = np.random.default_rng(20250101)
    content = dict(
        versions=dict(
            numpy=np.__version__, scipy=scipy.__version__, statsmodels=statsmodels.__version__,
            pingouin=pingouin.__version__,
        ),
        wilcoxon=wilcoxon_cases(rng),
        signFlip=sign_flip_cases(rng),
        holm=holm_cases(rng),
        bootstrap=bootstrap_cases(rng),
        volumes=volume_cases(rng),
        effects=effect_cases(rng),
        summaries=summary_cases(rng),
        distributions=distribution_values(),
    )
    with open("statistics.json", "w") as file:
        json.dump(content, file, indent=1)
        file.write("\n")


main()
