"""Makes a small electrocardiogram in WFDB's format, of bells for P, QRS and T and noise.

Run with Python 3: python generate.py
One beat in five is atrial premature: early, with an inverted P wave. Seeded, no data from elsewhere.
"""

import hashlib
import math
import random

HZ, SECONDS = 250, 100
rng = random.Random(7)
values = [0.02 * rng.gauss(0, 1) + 0.1 * math.sin(0.4 * math.pi * i / HZ) for i in range(HZ * SECONDS)]
beats, time = [], 0.6
while time < SECONDS - 0.5:
    early = rng.random() < 0.2 and len(beats) > 1
    time -= 0.2 if early else 0
    sample = round(time * HZ)
    beats.append((sample, 8 if early else 1))
    p = (-0.11, 0.02, -0.1) if early else (-0.17, 0.02, 0.15)
    for delay, width, height in [p, (-0.025, 0.008, -0.12), (0, 0.012, 1.1), (0.03, 0.01, -0.2), (0.26, 0.045, 0.3)]:
        for i in range(max(0, sample - HZ // 2), min(len(values), sample + HZ // 2)):
            values[i] += height * math.exp(-0.5 * ((i - sample) / HZ - delay) ** 2 / width**2)
    time += (0.9 if early else 0.8) + 0.02 * rng.gauss(0, 1)

steps = [round(200 * v) for v in values]
data, marks, last = bytearray(), bytearray(), 0
for a in steps:
    b = -a & 0xFFF
    a &= 0xFFF
    data += bytes([a & 255, a >> 8 | b >> 8 << 4, b & 255])
for sample, code in beats:
    marks += (code << 10 | sample - last).to_bytes(2, "little")
    last = sample
marks += bytes(2)
total = (sum(steps) + 32768) % 65536 - 32768
header = f"""beats 2 {HZ} {len(steps)}
beats.dat 212 200 12 0 {steps[0]} {total} 0 MLII
beats.dat 212 200/mV 12 0 {-steps[0]} {(-sum(steps) + 32768) % 65536 - 32768} 0 V5
# 42 F NAME OF NOBODY
"""
sums = ""
for ending, content in [("hea", header.encode()), ("dat", bytes(data)), ("atr", bytes(marks))]:
    with open("beats." + ending, "wb") as file:
        file.write(content)
    sums += f"{hashlib.sha256(content).hexdigest()}  beats.{ending}\n"
with open("SHA256SUMS", "w") as file:
    file.write(sums)
print(len(beats), "beats")
