#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Shows that the checks of the interface files find what they are there for.

usage: checks_test.py IDL_DIR. Each case changes a copy of the interface files in one place and expects the
check to name the change; the unchanged files must pass.
"""
import pathlib
import shutil
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import check_contract  # noqa: E402
import check_dialect  # noqa: E402

IDL_DIR = None
LISTS_DIR = pathlib.Path(__file__).resolve().parent

# name, file, text, replacement, what the report must mention
CONTRACT_CASES = [
    ("signature", "db.xml", '<arg name="ex" type="b"', '<arg name="ex" type="i"', "exists"),
    ("argument name", "db.xml", '<arg name="ex" type="b"', '<arg name="found" type="b"', "found"),
    ("direction", "db.xml", '<arg name="ex" type="b" direction="out"', '<arg name="ex" type="b" direction="in"',
     "exists"),
    ("default direction", "db.xml", '<arg name="ex" type="b" direction="out"', '<arg name="ex" type="b"', "exists"),
    ("unnamed argument", "xenmgr_host.xml", '<arg name="" type="as"', '<arg name="isos" type="as"', "list_isos"),
    ("argument order", "xenmgr.xml",
     '<arg name="username" type="s" direction="in"/>\n      <arg name="password" type="s" direction="in"/>',
     '<arg name="password" type="s" direction="in"/>\n      <arg name="username" type="s" direction="in"/>', "taas"),
    ("member name", "xenmgr_vm.xml", '<method name="start_internal">', '<method name="start2">', "start2"),
    ("property access", "vm_disk.xml", 'name="virtual-size-mb" type="i" access="read"',
     'name="virtual-size-mb" type="i" access="readwrite"', "virtual-size-mb"),
    ("extra member", "guest.xml", '<signal name="agent_started">',
     '<signal name="extra"/><signal name="agent_started">', "extra"),
    ("kind of member", "guest.xml", '<method name="request_sleep">', '<signal name="request_sleep">',
     "request_sleep"),
    ("interface name", "vm_nic.xml", "com.citrix.xenclient.vmnic", "com.citrix.xenclient.nic",
     "com.citrix.xenclient.nic"),
    ("enumeration value", "xenmgr.xml", 'suffix="STOPPED" value="stopped"', 'suffix="STOPPED" value="off"',
     "STOPPED"),
    ("Qt annotation", "xenmgr.xml", "QList&lt;int&gt;", "QList&lt;uint&gt;", "list_domids"),
]
DIALECT_CASES = [
    ("missing documentation", "guest.xml", "The X server of the guest is up, so that its screen can be shown.", "",
     "xorg_running"),
    ("two complete types", "db.xml", '<arg name="ex" type="b"', '<arg name="ex" type="bs"', "exists"),
    ("unclosed struct", "db.xml", '<arg name="ex" type="b"', '<arg name="ex" type="(b"', "exists"),
    ("container as key", "db.xml", '<arg name="ex" type="b"', '<arg name="ex" type="a{vs}"', "exists"),
    ("empty type", "db.xml", '<arg name="ex" type="b"', '<arg name="ex" type=""', "exists"),
    ("bad time-out", "org.xenbroker.db.xml", 'value="60"', 'value="60s"', "Timeout"),
    ("unknown annotation", "org.xenbroker.db.xml", "org.xenbroker.Timeout", "org.xenbroker.TimeOut", "TimeOut"),
    ("annotation in a wrong place", "vm_nic.xml", "org.xenbroker.PropertyTable", "org.xenbroker.Timeout",
     "does not belong"),
    ("same member twice", "guest.xml", '<method name="request_reboot">', '<method name="request_sleep">',
     "declared twice"),
]


class Checks(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory(prefix="xenbroker-idl-")
        self.addCleanup(self.directory.cleanup)
        self.copy = pathlib.Path(self.directory.name) / "idl"
        shutil.copytree(IDL_DIR, self.copy)

    def change(self, file_name, text, replacement):
        path = self.copy / file_name
        content = path.read_text(encoding="utf-8")
        self.assertIn(text, content, f"{file_name} no longer has the text that this case changes")
        content = content.replace(text, replacement, 1)
        if text.startswith("<method") and replacement.startswith("<signal"):
            end = content.index("</method>", content.index(replacement))
            content = content[:end] + "</signal>" + content[end + len("</method>"):]
        path.write_text(content, encoding="utf-8")

    def test_unchanged_files_pass(self):
        self.assertEqual(check_contract.check(self.copy, LISTS_DIR), [])
        self.assertEqual(check_dialect.check(self.copy), [])

    def test_contract_check_finds_each_change(self):
        for name, file_name, text, replacement, mention in CONTRACT_CASES:
            with self.subTest(name):
                original = (self.copy / file_name).read_bytes()
                self.change(file_name, text, replacement)
                self.assertIn(mention, "\n".join(check_contract.check(self.copy, LISTS_DIR)))
                (self.copy / file_name).write_bytes(original)

    def test_contract_check_finds_a_missing_file(self):
        (self.copy / "vm_disk.xml").unlink()
        self.assertIn("com.citrix.xenclient.vmdisk", "\n".join(check_contract.check(self.copy, LISTS_DIR)))

    def test_contract_check_leaves_our_own_interfaces_alone(self):
        (self.copy / "org.xenbroker.db.xml").unlink()
        self.assertEqual(check_contract.check(self.copy, LISTS_DIR), [])

    def test_dialect_check_finds_each_change(self):
        for name, file_name, text, replacement, mention in DIALECT_CASES:
            with self.subTest(name):
                original = (self.copy / file_name).read_bytes()
                self.change(file_name, text, replacement)
                self.assertIn(mention, "\n".join(check_dialect.check(self.copy)))
                (self.copy / file_name).write_bytes(original)

    def test_interface_declared_in_two_files_is_found(self):
        shutil.copy(self.copy / "guest.xml", self.copy / "guest2.xml")
        self.assertIn("is declared in guest.xml too", "\n".join(check_dialect.check(self.copy)))

    def test_empty_directory_is_an_error(self):
        empty = pathlib.Path(self.directory.name)
        for check in (lambda: check_contract.check(empty, LISTS_DIR), lambda: check_dialect.check(empty)):
            with self.assertRaises(ValueError):
                check()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: checks_test.py IDL_DIR")
    IDL_DIR = pathlib.Path(sys.argv.pop())
    unittest.main()
