"""Small shared libraries of each format, byte by byte, and wheels around them: what no compiler here would make."""

from __future__ import annotations

import base64
import hashlib
import struct
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

GLIBC_2_5: Mapping[str, Sequence[str]] = {"libc.so.6": ["GLIBC_2.2.5", "GLIBC_2.5"]}


class _Strings:
    """A table of strings as they stand in libraries, each behind a NUL."""

    def __init__(self) -> None:
        self.data = b"\0"

    def add(self, text: str) -> int:
        at = len(self.data)
        self.data += text.encode() + b"\0"
        return at


def elf(
    needed: Sequence[str] = ("libc.so.6",),
    versions: Mapping[str, Sequence[str]] = GLIBC_2_5,
    machine: int = 62,
    wide: bool = True,
    order: str = "<",
    sections: Sequence[str] = (),
    kind: int = 3,
    build_id: bytes = b"",
) -> bytes:
    """Returns an ELF library that needs these libraries and these versions of their symbols."""
    strings, names = _Strings(), _Strings()
    header, segment, section = (64, 56, 64) if wide else (52, 32, 40)
    count = 3
    needs = [strings.add(name) for name in needed]
    verneed = b""
    for number, (name, wanted) in enumerate(versions.items()):
        following = 0 if number == len(versions) - 1 else 16 + 16 * len(wanted)
        verneed += struct.pack(f"{order}HHIII", 1, len(wanted), strings.add(name), 16, following)
        for index, version in enumerate(wanted):
            step = 0 if index == len(wanted) - 1 else 16
            verneed += struct.pack(f"{order}IHHII", 0, 0, 2, strings.add(version), step)
    at_strings = header + count * segment
    at_verneed = at_strings + len(strings.data)
    entries = [(1, at) for at in needs] + [(5, at_strings)]
    if versions:
        entries += [(0x6FFFFFFE, at_verneed), (0x6FFFFFFF, len(versions))]
    dynamic = b"".join(
        struct.pack(f"{order}{'qQ' if wide else 'iI'}", *entry) for entry in [*entries, (0, 0)]
    )
    at_dynamic = at_verneed + len(verneed)
    note = struct.pack(f"{order}III", 4, len(build_id), 3) + b"GNU\0" + build_id
    at_note = at_dynamic + len(dynamic)
    body = strings.data + verneed + dynamic + note
    offsets = [names.add(name) for name in ("", *sections, ".shstrtab")]
    at_names = at_note + len(note)
    at_sections = at_names + len(names.data)
    end = at_sections + section * len(offsets)
    table = b""
    for offset, name in zip(offsets, ("", *sections, ".shstrtab")):
        row = (offset, 2 if name == ".symtab" else 1, 0, 0, at_names, len(names.data), 0, 0, 0, 0)
        table += struct.pack(f"{order}{'IIQQQQIIQQ' if wide else '10I'}", *row)
    segments = b""
    for word, at, size in ((1, 0, end), (2, at_dynamic, len(dynamic)), (4, at_note, len(note))):
        if wide:
            segments += struct.pack(f"{order}IIQQQQQQ", word, 4, at, at, at, size, size, 1)
        else:
            segments += struct.pack(f"{order}8I", word, at, at, at, size, size, 4, 1)
    head = b"\x7fELF" + bytes([2 if wide else 1, 1 if order == "<" else 2, 1]) + bytes(9)
    numbers = (kind, machine, 1, 0, header, at_sections, 0, header, segment, count, section)
    head += struct.pack(
        f"{order}{'HHIQQQIHHHHHH' if wide else 'HHIIIIIHHHHHH'}", *numbers, len(offsets), len(offsets) - 1
    )
    return head + segments + body + names.data + table


def _command(kind: int, payload: bytes) -> bytes:
    payload += bytes(-len(payload) % 8)
    return struct.pack("<II", kind, 8 + len(payload)) + payload


def macho(
    machine: int = 0x0100000C,
    needed: Sequence[str] = ("/usr/lib/libSystem.B.dylib",),
    macos: tuple[int, int] | None = (11, 0),
    old_style: bool = False,
    debug: bool = False,
    stabs: bool = False,
    signed: bool = True,
    kind: int = 6,
) -> bytes:
    """Returns a Mach-O library."""
    commands = [_command(0xC, struct.pack("<IIII", 24, 0, 0, 0) + name.encode() + b"\0") for name in needed]
    if macos is not None:
        packed = macos[0] << 16 | macos[1] << 8
        if old_style:
            commands.append(_command(0x24, struct.pack("<II", packed, packed)))
        else:
            commands.append(_command(0x32, struct.pack("<IIII", 1, packed, packed, 0)))
    if debug:
        commands.append(_command(0x19, b"__DWARF".ljust(16, b"\0") + bytes(48)))
    if signed:
        commands.append(_command(0x1D, bytes(8)))
    size = sum(map(len, commands)) + 24
    commands.append(_command(2, struct.pack("<IIII", 32 + size, 2, 0, 0)))  # LC_SYMTAB
    symbols = struct.pack("<IBBHQ", 0, 0x0F, 1, 0, 0) + struct.pack(
        "<IBBHQ", 0, 0x64 if stabs else 0x0F, 1, 0, 0
    )
    header = struct.pack("<IIIIIIII", 0xFEEDFACF, machine, 0, kind, len(commands), size, 0, 0)
    return header + b"".join(commands) + symbols


def universal(*slices: bytes) -> bytes:
    """Returns a universal Mach-O file."""
    at, table, body = 8 + 20 * len(slices), b"", b""
    for each in slices:
        machine = struct.unpack_from("<I", each, 4)[0]
        table += struct.pack(">IIIII", machine, 0, at + len(body), len(each), 0)
        body += each
    return b"\xca\xfe\xba\xbe" + struct.pack(">I", len(slices)) + table + body


def pe(
    machine: int = 0x8664,
    needed: Sequence[str] = ("KERNEL32.dll",),
    delayed: Sequence[str] = (),
    sections: Sequence[str] = (),
    symbols: int = 0,
    pdb: str = "",
    wide: bool = True,
) -> bytes:
    """Returns a PE library; the address of each byte is its offset and 0x1000."""
    optional = 240 if wide else 224
    names = [".data", *sections]
    start = 64 + 24 + optional + 40 * len(names)
    body = b""

    def place(data: bytes) -> int:
        nonlocal body
        at = start + len(body)
        body += data
        return at

    def imports(dlls: Sequence[str], size: int, name_at: int) -> int:
        table = b""
        for dll in dlls:
            table += bytes(name_at) + struct.pack("<I", 0x1000 + place(dll.encode() + b"\0"))
            table += bytes(size - name_at - 4)
        return 0x1000 + place(table + bytes(size)) if dlls else 0

    directories = [(0, 0)] * 16
    directories[1] = imports(needed, 20, 12), 1
    directories[13] = imports(delayed, 32, 4), 1
    record = b"RSDS" + bytes(20) + pdb.encode() + b"\0"
    at = place(record)
    directories[6] = 0x1000 + place(struct.pack("<IIHHIIII", 0, 0, 0, 0, 2, len(record), 0x1000 + at, at)), 28
    long_names = _Strings()
    long_names.data = bytes(4)
    headers = b""
    end = start + len(body)
    for name in names:
        text = name.encode() if len(name) <= 8 else f"/{long_names.add(name)}".encode()
        headers += text.ljust(8, b"\0")
        size = len(body) if name == ".data" else 0
        headers += struct.pack("<IIIIIIHHI", size, 0x1000 + start, size, start, 0, 0, 0, 0, 0)
    tail = bytes(18 * symbols) + long_names.data
    head = b"MZ".ljust(60, b"\0") + struct.pack("<I", 64) + b"PE\0\0"
    head += struct.pack("<HHIIIHH", machine, len(names), 0, end, symbols, optional, 0x2002)
    options = struct.pack("<H", 0x20B if wide else 0x10B).ljust(optional - 132, b"\0") + struct.pack("<I", 16)
    options += b"".join(struct.pack("<II", *each) for each in directories)
    return head + options + headers + body + tail


def wheel(
    folder: Path,
    name: str,
    files: Mapping[str, bytes],
    tags: Sequence[str] | None = None,
    purelib: bool = False,
    metadata: str = "",
    record: Mapping[str, str] | None = None,
) -> Path:
    """Writes a wheel that is right but for what the caller asks for; returns its path.

    Args:
        tags: of the file WHEEL; None: as the file name says.
        record: lines of RECORD in place of the right ones, by file name.
    """
    project, version, *_, python, abi, platform = name.removesuffix(".whl").split("-")
    info = f"{project}-{version}.dist-info"
    if tags is None:
        tags = [
            f"{a}-{b}-{c}" for a in python.split(".") for b in abi.split(".") for c in platform.split(".")
        ]
    lines = [
        "Wheel-Version: 1.0",
        f"Root-Is-Purelib: {str(purelib).lower()}",
        *(f"Tag: {tag}" for tag in tags),
    ]
    content = {
        **{name.replace("INFO", info): data for name, data in files.items()},
        f"{info}/METADATA": f"Metadata-Version: 2.4\nName: {project}\nVersion: {version}\n{metadata}\n".encode(),
        f"{info}/WHEEL": ("\n".join(lines) + "\n").encode(),
    }
    rows = [(record or {}).get(each, record_line(each, data)) for each, data in content.items()]
    content[f"{info}/RECORD"] = ("\n".join([*filter(None, rows), f"{info}/RECORD,,"]) + "\n").encode()
    path = folder / name
    with zipfile.ZipFile(path, "w") as archive:
        for each, data in content.items():
            archive.writestr(each, data)
    return path


def record_line(name: str, content: bytes) -> str:
    """Returns the line of RECORD for a file."""
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    return f"{name},sha256={digest},{len(content)}"


def go_info(
    version: str = "go1.99.1", modules: Sequence[str] = (), settings: Sequence[str] = ("-trimpath=true",)
) -> bytes:
    """Returns what Go writes into a library; it may stand anywhere in it.

    Args:
        modules: lines behind ``dep``, words separated by tabs.
        settings: of the build, ``NAME=VALUE``.
    """
    lines = ["path\texample.com/mark", "mod\texample.com/mark\t(devel)\t"]
    lines += [f"dep\t{each}" for each in modules] + [f"build\t{each}" for each in settings]
    text = bytes(16) + "".join(f"{line}\n" for line in lines).encode() + bytes(16)
    return b"\xff Go buildinf:\x08\x02".ljust(32, b"\0") + _counted(version.encode()) + _counted(text)


def _counted(data: bytes) -> bytes:
    """Returns bytes behind their number as a varint."""
    size, head = len(data), b""
    while size >= 0x80:
        head += bytes([size & 0x7F | 0x80])
        size >>= 7
    return head + bytes([size]) + data
