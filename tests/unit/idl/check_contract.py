#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the interface files with the interfaces that existing clients rely on.

usage: check_contract.py IDL_DIR [LISTS_DIR]

The lists beside this script (contract_members.tsv, contract_enums.tsv, contract_annotations.tsv) name every
interface, member, argument, signature, access, enumeration value and Qt annotation in its order. A difference
in either direction is printed and makes the exit status 1. Interfaces below org.xenbroker. are our own and not
compared. The status is 2 if a file cannot be read.
"""
import difflib
import pathlib
import sys
import xml.etree.ElementTree as ElementTree

TP = "{http://telepathy.freedesktop.org/wiki/DbusSpec#extensions-v0}"
OWN_PREFIX = "org.xenbroker."
QT_PREFIX = "org.qtproject."


def read_list(path, columns):
    """The rows of a tab separated list, without its heading line, which must name the columns."""
    lines = path.read_text(encoding="utf-8").splitlines()
    if not lines or lines[0].split("\t") != columns:
        raise ValueError(f"{path}: the first line must name the columns {' '.join(columns)}")
    rows = [tuple(line.split("\t")) for line in lines[1:]]
    for number, row in enumerate(rows, 2):
        if len(row) != len(columns):
            raise ValueError(f"{path}:{number}: {len(row)} columns, expected {len(columns)}")
    if not rows:
        raise ValueError(f"{path}: no rows")
    return rows


def member_rows(interface):
    """The rows of one interface element in the form of contract_members.tsv, in document order."""
    name = interface.get("name")
    for member in interface:
        if member.tag == "property":
            yield (name, "property", member.get("name"), "-", "-", member.get("type"), member.get("access"))
        elif member.tag in ("method", "signal"):
            args = member.findall("arg")
            for arg in args:
                direction = "sig" if member.tag == "signal" else arg.get("direction", "in")
                yield (name, member.tag, member.get("name"), arg.get("name", ""), direction, arg.get("type"), "-")
            if not args:
                yield (name, member.tag, member.get("name"), "(noargs)", "-", "", "-")


def annotation_rows(interface):
    """The Qt annotations of the members of one interface."""
    for member in interface:
        for annotation in member.findall("annotation"):
            if annotation.get("name").startswith(QT_PREFIX):
                yield (interface.get("name"), member.get("name"), annotation.get("name"), annotation.get("value"))


def enum_rows(file_name, element):
    """The enumeration values directly below a root node or an interface."""
    for enum in element.findall(f"{TP}enum"):
        for value in enum.findall(f"{TP}enumvalue"):
            yield (file_name, enum.get("name"), enum.get("type"), value.get("suffix"), value.get("value"))


def read_idl(directory):
    """Members, enumeration values and annotations of all contract interfaces of the XML files of a directory."""
    members, enums, annotations = [], [], []
    files = sorted(directory.glob("*.xml"))
    if not files:
        raise ValueError(f"{directory}: no interface files")
    for path in files:
        root = ElementTree.parse(path).getroot()
        enums.extend(enum_rows(path.name, root))
        for interface in root.findall("interface"):
            if not interface.get("name").startswith(OWN_PREFIX):
                members.extend(member_rows(interface))
                annotations.extend(annotation_rows(interface))
                enums.extend(enum_rows(path.name, interface))
    return members, enums, annotations


def differences(what, expected, actual):
    """Unified differences, grouped by the first column so that the order of the files does not matter."""
    result = []
    for group in sorted({row[0] for row in expected} | {row[0] for row in actual}):
        left = ["\t".join(row) for row in expected if row[0] == group]
        right = ["\t".join(row) for row in actual if row[0] == group]
        result.extend(difflib.unified_diff(left, right, f"contract: {what} of {group}", f"idl: {what} of {group}",
                                           lineterm="", n=0))
    return result


def check(idl_dir, lists_dir):
    """All differences between the interface files and the lists, as lines of text; empty if they agree."""
    members, enums, annotations = read_idl(idl_dir)
    result = differences("members", read_list(
        lists_dir / "contract_members.tsv",
        ["interface", "kind", "member", "arg", "direction", "signature", "access"]), members)
    result += differences("enumerations", read_list(
        lists_dir / "contract_enums.tsv", ["file", "enum", "type", "suffix", "value"]), enums)
    result += differences("annotations", read_list(
        lists_dir / "contract_annotations.tsv", ["interface", "member", "annotation", "value"]), annotations)
    return result


def main(arguments):
    if len(arguments) not in (2, 3):
        print("usage: check_contract.py IDL_DIR [LISTS_DIR]", file=sys.stderr)
        return 2
    lists_dir = pathlib.Path(arguments[2] if len(arguments) == 3 else __file__)
    lists_dir = lists_dir if lists_dir.is_dir() else lists_dir.resolve().parent
    try:
        lines = check(pathlib.Path(arguments[1]), lists_dir)
    except (OSError, ValueError, ElementTree.ParseError) as error:
        print(f"check_contract: {error}", file=sys.stderr)
        return 2
    for line in lines:
        print(line)
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
