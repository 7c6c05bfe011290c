"""Golden values of RandomStream, computed independently of it.

Run: python3 Tests/Golden/random_stream.py
xoshiro256** 1.0 after Blackman and Vigna (2021), seeded by SplitMix64 from seed XOR FNV-1a-64(name).
"""
import math

MASK = (1 << 64) - 1


def rotl(x, k):
    return ((x << k) | (x >> (64 - k))) & MASK


class Xoshiro256StarStar:
    def __init__(self, state):
        self.s = list(state)

    def bits(self):
        s = self.s
        result = (rotl((s[1] * 5) & MASK, 7) * 9) & MASK
        t = (s[1] << 17) & MASK
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= t
        s[3] = rotl(s[3], 45)
        return result


def splitmix64(state):
    while True:
        state = (state + 0x9E3779B97F4A7C15) & MASK
        z = state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        yield z ^ (z >> 31)


def fnv1a64(text):
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = ((value ^ byte) * 0x100000001B3) & MASK
    return value


def stream(seed, name):
    words = splitmix64(seed ^ fnv1a64(name))
    return Xoshiro256StarStar([next(words) for _ in range(4)])


if __name__ == "__main__":
    # Known answers of the parts: the FNV test vector, SplitMix64 of seed 1234567, and xoshiro256** of state 1, 2, 3, 4.
    assert fnv1a64("foobar") == 0x85944171F73967E8
    words = splitmix64(1234567)
    assert [next(words) for _ in range(2)] == [6457827717110365317, 3203168211198807973]
    reference = Xoshiro256StarStar([1, 2, 3, 4])
    assert [reference.bits() for _ in range(4)] == [11520, 0, 1509978240, 1215971899390074240]

    for seed, name in [(0, ""), (1, "action"), (1, "reset"), ((1 << 64) - 1, "sensor noise"), (42, "a")]:
        s = stream(seed, name)
        print(f'({seed}, "{name}", [' + ", ".join(f"0x{s.bits():016x}" for _ in range(4)) + "]),")
    s = stream(7, "uniform")
    print("uniform", [((s.bits() >> 11) * 2.0**-53).hex() for _ in range(3)])
    s = stream(7, "normal")
    values = []
    for _ in range(2):
        radius = math.sqrt(-2 * math.log(1 - (s.bits() >> 11) * 2.0**-53))
        angle = 2 * math.pi * ((s.bits() >> 11) * 2.0**-53)
        values += [radius * math.cos(angle), radius * math.sin(angle)]
    print("normal", [repr(v) for v in values])
    s = stream(0, "")
    for _ in range(999_999):
        s.bits()
    print(f"millionth of (0, ''): 0x{s.bits():016x}")
