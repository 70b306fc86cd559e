import Support

/// The page's style sheet: one file, system fonts, light and dark, phone to paper.
enum ReportStyle {
  static var css: String { base + charts + media }

  private static let base = """
    :root{color-scheme:light dark;--paper:#fff;--soft:#f5f6f7;--ink:#1b1f24;--muted:#57606a;\
    --rule:#d9dde2;--strong:#8b949e;--accent:#0b5d91;--warn:#8a4b00;--warn-paper:#fff6e6;\
    --warn-rule:#e0a030;
    --sans:system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue","Noto Sans",sans-serif;
    --mono:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}
    *{box-sizing:border-box}
    html{-webkit-text-size-adjust:100%;text-size-adjust:100%;scroll-behavior:smooth}
    body{margin:0;background:var(--paper);color:var(--ink);font:1rem/1.55 var(--sans);\
    font-variant-numeric:tabular-nums lining-nums}
    .skip{position:absolute;left:-999rem}
    .skip:focus{left:1rem;top:1rem;background:var(--paper);padding:.5rem 1rem;z-index:2}
    .notice{margin:0;padding:.6rem 1.25rem;background:var(--warn-paper);color:var(--warn);\
    border-bottom:1px solid var(--warn-rule);font-size:.875rem;text-align:center}
    .page{max-width:68rem;margin:0 auto;padding:0 1.25rem 4rem}
    .masthead{padding:3rem 0 1.5rem}
    h1{font-size:clamp(1.75rem,1.3rem + 2vw,2.6rem);line-height:1.12;letter-spacing:-.02em;\
    font-weight:680;margin:0 0 .5rem;text-wrap:balance;overflow-wrap:anywhere}
    .subtitle{margin:0;color:var(--muted)}
    nav{border-block:1px solid var(--rule);padding:.6rem 0;font-size:.9rem}
    nav ul{list-style:none;display:flex;flex-wrap:wrap;gap:.15rem 1.4rem;margin:0;padding:0}
    a{color:var(--accent);text-underline-offset:.2em;text-decoration-thickness:1px}
    nav a{text-decoration:none;display:inline-block;padding:.2rem 0}
    nav a:hover{text-decoration:underline}
    :focus-visible{outline:3px solid var(--accent);outline-offset:2px;border-radius:2px}
    section{padding-top:2.75rem}
    h2{font-size:1.4rem;line-height:1.25;letter-spacing:-.01em;font-weight:650;margin:0 0 1rem;\
    overflow-wrap:anywhere}
    h3{font-size:1.05rem;line-height:1.35;font-weight:650;margin:2rem 0 .6rem;\
    overflow-wrap:anywhere}
    h4,h5,h6{font-size:1rem;margin:1.5rem 0 .4rem}
    p{margin:0 0 1rem;max-width:44rem}
    .lead{font-size:1.15rem;line-height:1.5}
    .note{color:var(--muted);font-size:.85rem;line-height:1.5}
    .figures-key{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.5rem,1fr));\
    gap:1.25rem 2rem;margin:1.75rem 0;padding:0}
    .figures-key div{border-top:2px solid var(--ink);padding-top:.5rem;\
    display:flex;flex-direction:column-reverse;justify-content:flex-end}
    .figures-key dd{margin:0;font-size:1.75rem;line-height:1.2;font-weight:650;\
    letter-spacing:-.02em}
    .figures-key dt{color:var(--muted);font-size:.85rem;line-height:1.4}
    .table{position:relative;overflow-x:auto;margin:1.25rem 0 .5rem}
    table{border-collapse:collapse;font-size:.9rem;line-height:1.4;min-width:min(100%,22rem)}
    caption{text-align:left;font-weight:600;padding:0 0 .5rem;caption-side:top}
    th,td{padding:.42rem 1.2rem .42rem 0;text-align:left;vertical-align:baseline;\
    border-bottom:1px solid var(--rule)}
    tr>:last-child{padding-right:.25rem}
    thead th{font-weight:600;color:var(--muted);font-size:.8rem;line-height:1.3;\
    border-bottom:1.5px solid var(--strong);vertical-align:bottom}
    tbody th{font-weight:500}
    tr[data-structure] th{min-width:min(16rem,45vw)}
    .group th{padding-top:1.1rem;font-weight:650}
    .name{white-space:nowrap}
    .unit{font-weight:400;white-space:nowrap}
    thead .unit{display:block}
    .num{text-align:right;white-space:nowrap}
    td code,.mono{font-family:var(--mono);font-size:.84em;overflow-wrap:anywhere}
    .swatch{display:inline-block;width:.8em;height:.8em;border-radius:3px;margin-right:.55em;\
    border:1px solid color-mix(in srgb,var(--ink) 55%,transparent);vertical-align:-.06em;\
    print-color-adjust:exact;-webkit-print-color-adjust:exact}
    .swatch.outline{background:#fff;border:2px solid #333}
    .flag{display:inline-block;color:var(--warn);background:var(--warn-paper);\
    border:1px solid var(--warn-rule);border-radius:3px;padding:0 .4em;margin:0 .3em .15em 0;\
    font-size:.85em;white-space:nowrap}
    .quiet{color:var(--muted)}
    sup{font-size:.7em;line-height:0}
    .remarks{margin:.25rem 0 1rem;padding:0;list-style:none;color:var(--muted);font-size:.82rem}
    .problems{margin:0;padding:0;list-style:none}
    .problems li{border-left:4px solid var(--warn-rule);background:var(--warn-paper);\
    padding:.5rem .9rem;margin-bottom:.5rem;max-width:50rem;overflow-wrap:anywhere}
    pre{background:var(--soft);border:1px solid var(--rule);border-radius:6px;padding:.8rem 1rem;\
    overflow-x:auto;font:.85rem/1.5 var(--mono);margin:0 0 1rem;white-space:pre-wrap;\
    overflow-wrap:anywhere}
    p code,li code{font-family:var(--mono);font-size:.88em}
    blockquote{margin:0 0 1rem;padding-left:1rem;border-left:3px solid var(--rule);\
    color:var(--muted)}
    .card{border:1px solid var(--rule);border-radius:8px;padding:1.25rem 1.5rem;\
    background:var(--soft)}
    .card>:first-child{margin-top:0}.card>:last-child{margin-bottom:0}
    .planes{display:flex;flex-wrap:wrap;gap:1rem;margin:1rem 0 .6rem}
    .planes figure{margin:0;flex:var(--ratio) 1 calc(var(--ratio)*10.5rem);\
    max-width:calc(var(--ratio)*26rem)}
    .picture{position:relative;background:#000;border-radius:6px;overflow:hidden}
    .picture img{display:block;width:100%;height:auto}
    .edge,.scale{position:absolute;color:#fff;font-size:.8rem;font-weight:600;line-height:1;\
    text-shadow:0 0 3px #000,0 0 3px #000,0 0 1px #000}
    .edge.l{left:.45rem;top:50%;transform:translateY(-50%)}
    .edge.r{right:.45rem;top:50%;transform:translateY(-50%)}
    .edge.t{top:.45rem;left:50%;transform:translateX(-50%)}
    .edge.b{bottom:.45rem;left:50%;transform:translateX(-50%)}
    .scale{right:.6rem;bottom:.5rem;border-bottom:2px solid #fff;padding-bottom:3px;\
    font-size:.68rem;font-weight:500;text-align:center;white-space:nowrap;\
    box-shadow:0 1px 2px #000}
    figcaption{font-size:.85rem;color:var(--muted);margin-top:.45rem;line-height:1.4}
    figcaption strong{display:block;color:var(--ink);font-size:.95rem}
    .chart-figure figcaption{margin:0 0 1rem}
    .legend{list-style:none;display:flex;flex-wrap:wrap;gap:.2rem 1.5rem;margin:0 0 1rem;\
    padding:0;font-size:.88rem}
    .charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,22rem),1fr));\
    gap:2rem 3rem}
    .charts:has(>:only-child){max-width:40rem}
    footer{border-top:1px solid var(--rule);margin-top:3.5rem;padding-top:1rem;\
    color:var(--muted);font-size:.85rem}
    .visually-hidden{position:absolute;width:1px;height:1px;overflow:hidden;\
    clip-path:inset(50%);white-space:nowrap}

    """

  private static let charts = """
    .chart-figure{margin:1.5rem 0 0}
    .chart{display:block;overflow:visible}
    .chart text{font:13px var(--sans);fill:var(--ink);font-variant-numeric:tabular-nums}
    .chart .tick{fill:var(--muted);font-size:12px}
    .chart .value{font-weight:600}
    .chart .halo{paint-order:stroke;stroke:var(--paper);stroke-width:5px;stroke-linejoin:round}
    .chart .grid{stroke:var(--rule);stroke-width:1}
    .chart .track{fill:var(--soft);stroke:var(--rule)}
    .chart .bar{stroke:var(--muted);stroke-width:.75}
    .chart .dot{stroke:var(--ink);stroke-width:.75;fill-opacity:.85}
    .chart .box{fill:var(--strong);fill-opacity:.22;stroke:var(--strong)}
    .chart .whisker{stroke:var(--strong);stroke-width:1.5}
    .chart .median{stroke:var(--ink);stroke-width:2.5}
    .chart .less{fill:#0072B2;stroke:#0072B2;stroke-width:1.5}
    .chart .more{fill:#D55E00;stroke:#D55E00;stroke-width:1.5}
    .chart .doubtful{fill-opacity:.3;stroke-dasharray:4 3}
    .chart .range{stroke:var(--ink);stroke-width:1.5}
    .chart .unity{stroke:var(--ink);stroke-width:1.5}
    .chart .violin{fill-opacity:.35;stroke:var(--strong);stroke-width:1;vector-effect:non-scaling-stroke}
    .chart .guide{stroke:var(--ink);stroke-width:1.5;stroke-dasharray:6 4}
    .chart .cells{image-rendering:pixelated}
    .wide{grid-column:1/-1}
    .chart .rim{stroke:var(--strong);stroke-width:3.5;stroke-linejoin:round}
    .chart .series{stroke-width:2;stroke-linejoin:round}

    """

  private static var media: String {
    """
    @media(prefers-color-scheme:dark){:root{--paper:#14171a;--soft:#1c2024;--ink:#e7eaed;\
    --muted:#a3acb6;--rule:#31373d;--strong:#6b757f;--accent:#7fc1ef;--warn:#f3c983;\
    --warn-paper:#2a2214;--warn-rule:#8a6420}.swatch.outline{border-color:#999}}
    @media(prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
    @media(max-width:40rem){.masthead{padding:1.75rem 0 1rem}section{padding-top:2.1rem}\
    th,td{padding-right:1rem}.card{padding:1rem}.planes figure{max-width:none}\
    tbody th[scope=row]{position:sticky;left:0;max-width:42vw;background:var(--paper)}}
    @page{size:A4;margin:16mm 15mm 18mm;\
    @bottom-left{content:"\(Version.disclaimer)";font:7.5pt sans-serif;color:#555}\
    @bottom-right{content:counter(page) "/" counter(pages);font:7.5pt sans-serif;color:#555}}
    @media print{:root{color-scheme:light;--paper:#fff;--soft:#f7f7f7;--ink:#000;--muted:#444;\
    --rule:#ccc;--strong:#888;--accent:#000;--warn:#5c3200;--warn-paper:#fff6e6;\
    --warn-rule:#c98a20}
    body{font-size:9.5pt}nav,.skip{display:none}.page{max-width:none;padding:0}
    .notice{border:1px solid var(--warn-rule)}.masthead{padding:1.2rem 0 0}
    section{padding-top:1.6rem}h2,h3,caption,.lead,h2+p{break-after:avoid}.group{break-after:avoid}
    .figures-key{grid-template-columns:repeat(4,1fr)}
    figure,tr,.problems li,.card,.planes{break-inside:avoid}.card{break-inside:auto}
    thead{display:table-header-group}.table{overflow:visible}table{font-size:8pt}
    th,td{padding-right:.8rem}thead .num{white-space:normal}tbody th[scope=row]{min-width:9em}\
    footer{margin-top:1.2rem;padding-top:.5rem;break-before:avoid}footer p{margin:0}\
    .planes{flex-wrap:nowrap}
    .planes figure{flex-basis:0}.chart .track,.chart rect,.chart circle,.picture,.notice,.flag,\
    .problems li{print-color-adjust:exact;-webkit-print-color-adjust:exact}
    .charts{grid-template-columns:1fr 1fr}.charts:has(>:only-child){grid-template-columns:1fr;\
    max-width:12cm}a{text-decoration:none}}
    """
  }
}
