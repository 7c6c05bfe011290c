#!/usr/bin/env python3
"""Makes vectors/frames.json and vectors/streams.json: what every codec of the protocol is tested against.

    python3 firmware-protocol/reference.py            # writes them; needs nothing but Python's own library
    python3 firmware-protocol/reference.py --check    # fails unless they are what would be written

Written from PROTOCOL.md, not from the codecs: the CRC goes bit by bit as its polynomial is defined, COBS is decoded frame
by frame from a whole stream, messages are laid out field by field from schema.json. Only the schema hash is generate.py's.
"""
import json
import pathlib
import random
import sys

import generate

HERE = pathlib.Path(__file__).resolve().parent
SCHEMA = json.loads((HERE / "schema.json").read_text())
MESSAGES = {m["name"]: m for m in SCHEMA["messages"]}
LONGEST = next(c["value"] for c in SCHEMA["constants"] if c["name"] == "maximum_body")
SEED = generate.seed(generate.schema_hash(SCHEMA))


def crc(data):
    """CRC-16/IBM-3740, one bit at a time. Its published check value: 0x29B1 for the characters 123456789."""
    register = 0xFFFF
    for byte in data:
        for bit in range(7, -1, -1):
            feedback = (register >> 15) ^ (byte >> bit & 1)
            register = (register << 1) & 0xFFFF
            if feedback:
                register ^= 0x1021
    return register


assert crc(b"123456789") == 0x29B1


def checksum(head, seed=SEED):
    """Of type, sequence and payload; the handshake leaves the seed out."""
    return crc(head if head[0] & 0x7F < 0x10 else seed.to_bytes(2, "little") + head)


def cobs(data):
    """Groups of up to 254 bytes without zeros, each behind its length plus one."""
    out = b""
    for group in data.split(b"\0"):
        while len(group) > 253:
            out, group = out + b"\xff" + group[:254], group[254:]
        out += bytes([len(group) + 1]) + group
    return out


def uncobs(data):
    """None when a group is longer than what is left."""
    out, i = b"", 0
    while i < len(data):
        code = data[i]
        group = data[i + 1 : i + code]
        if len(group) != code - 1:
            return None
        i += code
        out += group + (b"\0" if code < 255 and i < len(data) else b"")
    return out


def decoded_length(data):
    """How many bytes a receiver has when the frame ends, whole or not."""
    length, i = 0, 0
    while i < len(data):
        code = data[i]
        length += len(data[i + 1 : i + code])
        i += code
        length += code < 255 and i < len(data)
    return length


def frame(kind, sequence, payload, seed=SEED):
    head = bytes([kind, sequence]) + payload
    return cobs(head + checksum(head, seed).to_bytes(2, "little")) + b"\0"


def payload_of(message, values):
    out = b""
    for field in message["fields"]:
        size = generate.SIZES[field["type"]]
        value = values[field["name"]]
        for element in value if "count" in field else [value]:
            out += element.to_bytes(size, "little")
    return out


def fill(message, lengths, number):
    """Values for all fields of a message: lists of a length, numbers from a function of their bits."""
    values = {}
    for field in message["fields"]:
        bits = 8 * generate.SIZES[field["type"]]
        if "count" in field:
            values[field["name"]] = [number(bits) for _ in range(lengths)]
            if field["count"] == "bits of mask":
                values["mask"] = (1 << lengths) - 1
            elif field["count"] != "rest":
                values[field["count"]] = lengths
        else:
            values[field["name"]] = number(bits)
    for field in message["fields"]:
        limit = {"state": 7, "cause": 12, "code": 13, "reset": 4}.get(field.get("enum"))
        if limit is not None:
            values[field["name"]] = min(values[field["name"]], limit)
    return values


def frames():
    out, source = [], random.Random(20260101)
    for message in SCHEMA["messages"]:
        has_list = any("count" in f for f in message["fields"])
        cases = [("zeros", 0, lambda bits: 0), ("ones", 3, lambda bits: (1 << bits) - 1),
                 ("longest", 16, lambda bits: source.getrandbits(bits)), ("tens", 6, lambda bits: 10)]
        cases += [(f"random {i}", source.randrange(17), lambda bits: source.getrandbits(bits) & source.getrandbits(bits))
                  for i in range(4)]
        for name, length, number in cases if message["fields"] else [("empty", 0, lambda bits: 0)]:
            values = fill(message, length if has_list else 0, number)
            sequence = source.randrange(256)
            payload = payload_of(message, values)
            out.append({"name": f"{message['name']} {name}", "message": message["name"], "type": message["type"],
                        "sequence": sequence, "fields": values, "payload": payload.hex(),
                        "wire": frame(message["type"], sequence, payload).hex()})
    return out


def events(stream):
    """What a receiver tells of a stream: the bodies of good frames, and what the others are."""
    out = []
    for chunk in stream.split(b"\0")[:-1]:  # what no zero ends is no frame yet
        if not chunk:
            continue
        body = uncobs(chunk)
        if decoded_length(chunk) > LONGEST:
            out.append("too long")
        elif body is None or len(body) < 4:
            out.append("broken")
        elif checksum(body[:-2]) != int.from_bytes(body[-2:], "little"):
            out.append("wrong crc")
        else:
            out.append(body.hex())
    return out


def streams():
    source = random.Random(20260102)
    hello = frame(0x01, 7, bytes.fromhex("0100" + generate.schema_hash(SCHEMA).to_bytes(4, "little").hex() + "3412"))
    arm = frame(0x20, 1, b"\x34\x12")
    time = frame(0x30, 0, bytes(8))
    flipped = bytearray(arm)
    flipped[2] ^= 0x40
    cases = {
        "nothing but zeros": bytes(5),
        "two frames": hello + arm,
        "zeros between frames": b"\0\0" + hello + b"\0\0\0" + arm,
        "garbage, then a frame": b"\x12\x99\xff\x07" + b"\0" + arm,
        "garbage that swallows the frame behind it, then the next": b"\x55\xaa" + arm + time,
        "a bit flipped, then a frame": bytes(flipped) + arm,
        "the zero lost between two frames": hello[:-1] + arm + time,
        "a frame cut short": arm[:-3] + b"\0" + arm,
        "a frame without its end": arm + hello[:-1],
        "a code that points past the end": b"\xfe\x01\x02\x03\0" + arm,
        "a body of three bytes": cobs(b"\x01\x02\x03") + b"\0" + arm,
        "an empty body": b"\x01\0" + arm,
        "a body of two zeros": b"\x01\x01\x01\0" + arm,
        "the longest body": frame(0x7F, 255, bytes(LONGEST - 4)) + arm,
        "one byte too long": frame(0x7F, 255, bytes(LONGEST - 3)) + arm,
        "far too long": frame(0x7F, 255, b"\x11" * 300) + arm,
        "too long without a zero": b"\xff" + b"\x22" * 253 + b"\0" + arm,
        "another version's seed": frame(0x20, 1, b"\x34\x12", SEED ^ 1) + arm,
        "another version's handshake": frame(0x02, 9, b"\x01\x02\x03", SEED ^ 1) + arm,
        "a seed where there is none": cobs(b"\x02\x00" + crc(SEED.to_bytes(2, "little") + b"\x02\x00").to_bytes(2, "little")) + b"\0",
    }
    good = [hello, arm, time, frame(0x90, 4, bytes(29)), frame(0x10, 0, bytes.fromhex("3412030064000010ff0f"))]
    for i in range(200):
        stream = b""
        for _ in range(source.randrange(1, 6)):
            piece = bytearray(source.choice(good) if source.random() < 0.7 else source.randbytes(source.randrange(40)))
            if source.random() < 0.4 and piece:
                at = source.randrange(len(piece))
                how = source.randrange(4)
                if how == 0:
                    piece[at] ^= 1 << source.randrange(8)
                elif how == 1:
                    del piece[at]
                elif how == 2:
                    piece.insert(at, source.randrange(256))
                else:
                    del piece[at:]
            stream += bytes(piece)
        cases[f"random {i}"] = stream
    return [{"name": name, "stream": stream.hex(), "events": events(stream)} for name, stream in cases.items()]


def text(rows):
    return "[\n" + ",\n".join("  " + json.dumps(row) for row in rows) + "\n]\n"


def main():
    if len(sys.argv) > 2 or (len(sys.argv) == 2 and sys.argv[1] != "--check"):
        print(__doc__, file=sys.stderr)
        return 2
    status = 0
    for name, rows in (("frames.json", frames()), ("streams.json", streams())):
        path = HERE / "vectors" / name
        if sys.argv[1:] == ["--check"]:
            if not path.exists() or path.read_text() != text(rows):
                print(f"reference.py: vectors/{name} is not what the protocol says; run firmware-protocol/reference.py",
                      file=sys.stderr)
                status = 1
        else:
            path.write_text(text(rows))
            print(f"reference.py: {len(rows)} cases in vectors/{name}")
    return status


if __name__ == "__main__":
    sys.exit(main())
