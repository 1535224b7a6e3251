#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks what the document type cannot say about the interface files.

usage: check_dialect.py IDL_DIR

Every interface, method, signal and property has documentation; names are not used twice; types are D-Bus
signatures of one complete type; our annotations are known and have sensible values. Findings are printed and
make the exit status 1; it is 2 if a file cannot be read.
"""
import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree

TP = "{http://telepathy.freedesktop.org/wiki/DbusSpec#extensions-v0}"
ERROR_NAME = r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+"
# Annotation name -> the elements it may be on and the form of its value.
ANNOTATIONS = {
    "org.xenbroker.PropertyTable": (("interface",), r"true|false"),
    "org.xenbroker.Timeout": (("method",), r"[1-9][0-9]{0,5}"),
    "org.xenbroker.Error": (("method",), ERROR_NAME),
    "org.xenbroker.ErrorName": (("node",), rf"[A-Z]\w*={ERROR_NAME}"),
}


def type_end(signature, at):
    """The index after the complete type that starts at an index; ValueError if there is none."""
    code = signature[at:at + 1]
    if code and code in "ybnqiuxtdhsogv":
        return at + 1
    if code == "a":
        if signature[at + 1:at + 2] != "{":
            return type_end(signature, at + 1)
        if signature[at + 2:at + 3] not in tuple("ybnqiuxtdhsog"):
            raise ValueError("the key of a dictionary must be a basic type")
        end = type_end(signature, at + 3)
        if signature[end:end + 1] != "}":
            raise ValueError("a dictionary entry is not closed")
        return end + 1
    if code == "(":
        end = type_end(signature, at + 1)
        while signature[end:end + 1] != ")":
            end = type_end(signature, end)
        return end + 1
    raise ValueError(f"no type at position {at}")


def type_problem(signature):
    """What is wrong with a signature that should be one complete type; empty if nothing is."""
    try:
        end = type_end(signature, 0)
    except ValueError as error:
        return str(error)
    return "" if end == len(signature) else "more than one complete type"


def annotation_problems(where, element):
    for annotation in element.findall("annotation"):
        name, value = annotation.get("name"), annotation.get("value")
        if not name.startswith("org.xenbroker."):
            continue
        if name not in ANNOTATIONS:
            yield f"{where}: unknown annotation {name}"
            continue
        elements, form = ANNOTATIONS[name]
        if element.tag not in elements:
            yield f"{where}: annotation {name} does not belong on a {element.tag}"
        if not re.fullmatch(form, value):
            yield f"{where}: annotation {name} has the bad value '{value}'"


def doc_problems(where, element):
    docs = element.findall(f"{TP}docstring")
    text = " ".join((docs[0].text or "").split()) if docs else ""
    if not text:
        yield f"{where}: no documentation"
    elif not text.endswith("."):
        yield f"{where}: the documentation is not a sentence"
    if len(docs) > 1:
        yield f"{where}: documented twice"


def interface_problems(interface, where):
    yield from doc_problems(where, interface)
    yield from annotation_problems(where, interface)
    seen = set()
    for member in interface:
        if member.tag not in ("method", "signal", "property"):
            continue
        here = f"{where}.{member.get('name')}"
        key = (member.tag, member.get("name"))
        if key in seen:
            yield f"{here}: declared twice"
        seen.add(key)
        yield from doc_problems(here, member)
        yield from annotation_problems(here, member)
        names = [arg.get("name") for arg in member.findall("arg") if arg.get("name")]
        if len(names) != len(set(names)):
            yield f"{here}: two arguments have the same name"
        typed = [member] if member.tag == "property" else member.findall("arg")
        for element in typed:
            problem = type_problem(element.get("type", ""))
            if problem:
                yield f"{here}: type '{element.get('type', '')}': {problem}"


def check(idl_dir):
    """All findings of the XML files of a directory, as lines of text."""
    files = sorted(idl_dir.glob("*.xml"))
    if not files:
        raise ValueError(f"{idl_dir}: no interface files")
    result, interfaces = [], {}
    for path in files:
        root = ElementTree.parse(path).getroot()
        result.extend(annotation_problems(path.name, root))
        for interface in root.iter("interface"):
            name = interface.get("name")
            if name in interfaces:
                result.append(f"{path.name}: {name} is declared in {interfaces[name]} too")
            interfaces[name] = path.name
            result.extend(interface_problems(interface, f"{path.name}: {name}"))
    return result


def main(arguments):
    if len(arguments) != 2:
        print("usage: check_dialect.py IDL_DIR", file=sys.stderr)
        return 2
    try:
        lines = check(pathlib.Path(arguments[1]))
    except (OSError, ValueError, ElementTree.ParseError) as error:
        print(f"check_dialect: {error}", file=sys.stderr)
        return 2
    for line in lines:
        print(line)
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
