#!/usr/bin/env python3
"""Fits the coefficients of the vector activations in Sources/CKernels/impl/kernels.inc and prints their error bounds.

    python3 tools/fit-activations.py            # needs numpy

The method is least squares in double precision with Lawson's re-weighting, which approaches the minimax fit; the
result is rounded to float, evaluated as the kernels do (with and without fused multiply-add) and compared with the
double-precision library. The output is what kernels.inc holds, followed by the bounds its tests assert.

    python3 tools/fit-activations.py --check    # also fails unless kernels.inc holds exactly these coefficients
"""
import pathlib
import re
import sys

import numpy as np
from numpy.polynomial import chebyshev

F = np.float32
LOG2E = F(1.4426950408889634)
MAGIC = F(12582912.0)  # 1.5 * 2^23: adding it rounds to an integer
LN2_HIGH = F(0.693359375)  # nine bits, so that n * LN2_HIGH is exact
LN2_LOW = F(0.6931471805599453 - 0.693359375)
TANH_LIMIT = 7.905  # 1 - tanh(7.905) is 2.7e-7: where the fit may stop


def monomials(coefficients, low, high):
    """Chebyshev coefficients on [low, high] as monomial ones, in the plain variable."""
    series = chebyshev.Chebyshev(coefficients, domain=[low, high])
    return series.convert(kind=np.polynomial.Polynomial).coef


def fit_rational(target, weight, low, high, top, bottom, rounds=300):
    """p/q with q(low) = 1 close to `target` on [low, high]: p of degree `top`, q of degree `bottom`."""
    nodes = (low + high) / 2 - (high - low) / 2 * np.cos(np.pi * (np.arange(4000) + 0.5) / 4000)
    f, w = target(nodes), weight(nodes)
    scaled = (2 * nodes - low - high) / (high - low)
    p_basis = chebyshev.chebvander(scaled, top)
    # T_k(scaled) - T_k(-1) vanishes at `low`, which fixes q there.
    q_basis = (chebyshev.chebvander(scaled, bottom) - (-1.0) ** np.arange(bottom + 1))[:, 1:]
    lawson = np.ones_like(nodes)
    q = np.ones_like(nodes)
    best = None
    for _ in range(rounds):
        factor = w * np.sqrt(lawson) / q
        matrix = np.hstack([p_basis, -f[:, None] * q_basis]) * factor[:, None]
        solution = np.linalg.lstsq(matrix, f * factor, rcond=None)[0]
        p_c, q_c = solution[: top + 1], solution[top + 1 :]
        q = 1 + q_basis @ q_c
        error = np.abs(p_basis @ p_c / q - f) * w
        if np.all(q > 0) and (best is None or error.max() < best[0]):
            best = (error.max(), p_c, q_c)
        lawson *= (error / error.max() + 1e-3) ** 1.0
        lawson /= lawson.mean()
    _, p_c, q_c = best
    q_full = np.concatenate([[1 - np.sum(q_c * (-1.0) ** np.arange(1, bottom + 1))], q_c])
    return monomials(p_c, low, high), monomials(q_full, low, high), best[0]


def fma(a, b, c, fused):
    """a * b + c in float: one rounding or two."""
    if fused:
        return F(np.float64(a) * np.float64(b) + np.float64(c))
    return F(F(a * b) + c)


def horner(coefficients, x, fused):
    value = np.full_like(x, coefficients[-1])
    for c in coefficients[-2::-1]:
        value = fma(value, x, np.full_like(x, c), fused)
    return value


def range_reduction(x, fused):
    t = fma(x, np.full_like(x, LOG2E), np.full_like(x, MAGIC), fused)
    n = t - MAGIC
    r = fma(n, np.full_like(x, -LN2_HIGH), x, fused)
    return n, fma(n, np.full_like(x, -LN2_LOW), r, fused)


def exponential_minus_one(r, q, fused):
    return fma(r * r, horner(q, r, fused), r, fused)


def exp_kernel(x, q, fused):
    n, r = range_reduction(np.clip(x, F(-104), F(89)), fused)
    m = exponential_minus_one(r, q, fused)
    half = np.floor(n / 2)
    s1, s2 = F(2.0**half), F(2.0 ** (n - half))
    return fma(m, s1, s1, fused) * s2


def elu_kernel(x, q, fused):
    n, r = range_reduction(np.clip(x, F(-87), F(0)), fused)
    s = F(2.0**n)
    return np.where(x > 0, x, fma(exponential_minus_one(r, q, fused), s, s - F(1), fused))


def tanh_kernel(x, p, q, fused):
    x = np.clip(x, F(-TANH_LIMIT), F(TANH_LIMIT))
    u = x * x
    return F(horner(p, u, fused) * x) / horner(q, u, fused)


def show(name, coefficients):
    for index, value in enumerate(coefficients):
        print(f"{name}[{index}] = {re.sub('0+p', 'p', float(value).hex())}f  // {value:.9g}")


def check(coefficients):
    """Every coefficient stands in kernels.inc, as a hexadecimal or a plain float literal."""
    path = pathlib.Path(__file__).parent.parent / "Sources/CKernels/impl/kernels.inc"
    text = path.read_text()
    held = {abs(float.fromhex(literal)) for literal in re.findall(r"0x[0-9a-f.]+p[-+]?[0-9]+", text)}
    held |= {float(literal) for literal in re.findall(r"\b([0-9]+\.[0-9]+)f\b", text)}
    missing = [value for value in coefficients if abs(float(value)) not in held]
    if missing:
        sys.exit(f"{path} lacks {[float(value).hex() for value in missing]}: copy the coefficients printed above")
    print(f"// {path.name} holds all {len(coefficients)} coefficients")


def bound(name, got, exact, relative_above=None):
    error = np.abs(got.astype(np.float64) - exact)
    text = f"{name}: max abs {error.max():.2e}"
    if relative_above is not None:
        big = np.abs(exact) > relative_above
        text += f", max relative where |y| > {relative_above:g} {(error[big] / np.abs(exact[big])).max():.2e}"
    print("// " + text)


def main():
    half = 0.5 * np.log(2) * 1.001
    q_exp, _, error = fit_rational(
        lambda r: np.where(np.abs(r) < 1e-3, 0.5 + r / 6 + r * r / 24, (np.expm1(r) - r) / np.where(r == 0, 1, r * r)),
        lambda r: np.abs(r) + 1e-2, -half, half, 4, 0)
    q_exp = q_exp.astype(F)
    print(f"// e^r - 1 = r + r^2 q(r) on |r| <= ln 2 / 2; fit error {error:.1e} of r")
    show("EXP_Q", q_exp)

    p_tanh, q_tanh, error = fit_rational(
        lambda u: np.where(u < 1e-8, 1 - u / 3, np.tanh(np.sqrt(u)) / np.sqrt(np.where(u == 0, 1, u))),
        lambda u: np.where(u < 1e-8, 1, np.sqrt(u) / np.tanh(np.sqrt(np.where(u == 0, 1, u)))),
        0.0, TANH_LIMIT**2, 6, 3)
    p_tanh, q_tanh = p_tanh.astype(F), q_tanh.astype(F)
    print(f"// tanh x = x p(x^2) / q(x^2) on |x| <= {TANH_LIMIT}; relative fit error {error:.1e}")
    show("TANH_P", p_tanh)
    show("TANH_Q", q_tanh)

    x = np.linspace(-10, 10, 4_200_001).astype(F)
    exact = x.astype(np.float64)
    wide = np.linspace(-87, 88.7, 4_200_001).astype(F)
    for fused in (True, False):
        kind = "fused" if fused else "separate"
        bound(f"tanh, {kind}", tanh_kernel(x, p_tanh, q_tanh, fused), np.tanh(exact), 1e-3)
        bound(f"elu, {kind}", elu_kernel(x, q_exp, fused), np.where(exact > 0, exact, np.expm1(exact)), 1e-6)
        e = exp_kernel(-x, q_exp, fused)
        bound(f"sigmoid, {kind}", F(1) / (F(1) + e), 1 / (1 + np.exp(-exact)), 1e-6)
        bound(f"silu, {kind}", x / (F(1) + e), exact / (1 + np.exp(-exact)), 1e-6)
        w = exp_kernel(wide, q_exp, fused).astype(np.float64)
        print(f"// exp, {kind}, [-87, 88.7]: max relative {np.abs(w / np.exp(wide.astype(np.float64)) - 1).max():.2e}")
    if "--check" in sys.argv[1:]:
        check(np.concatenate([q_exp, p_tanh, q_tanh]))


if __name__ == "__main__":
    main()
