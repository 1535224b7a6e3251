// SPDX-License-Identifier: Apache-2.0
// What --help prints. Both texts fit a terminal of 24 lines and 80 columns; a test holds them to it.
#include "toolstack/xec/program.hpp"

namespace xb::xec {

const std::string_view xecHelp =
    R"(usage: xec [OPTION...] [METHOD [ARG...] | get PROP | set PROP VALUE | getall]
Talks to one object on the bus; without a command shows what the object has.
  -s, --service NAME     the service [com.citrix.xenclient.xenmgr]
  -o, --object PATH      the object [/]
  -i, --interface NAME   the interface [the first that has the name]
  -g, --get PROP         as get PROP            -x, --set PROP VALUE  as set
      --list-methods, --list-properties, --list-interfaces
      --bus ADDRESS      another bus than the system bus (or $XENBROKER_BUS)
      --session          the session bus
  -t, --target-domid N   the bus of another domain
      --timeout SECONDS  how long an answer may take
      --json[=pretty]    results as JSON
  -q, --query            do not log this call
  -h, --help             --version
The first word that is no option ends the options. In method names - means _.
Values: 5, true, 1.5, text; inside lists text is quoted: "['a', 'b']"; lists
and structs [A, B], dictionaries {KEY: VALUE}.
Exit status: 0 ok, 1 usage, 2 refused or failed, 3 service or bus not there,
4 no answer in time. Errors of the service go to stdout as NAME: TEXT.
Examples:  xec list-vms      xec get autolock-cd-drives      xec -o /host getall
See also: xec(1), xec-vm(1)
)";

const std::string_view xecVmHelp =
    R"(usage: xec-vm [SELECTOR] [OPTION...] [METHOD [ARG...] | get PROP |
              set PROP VALUE | getall | console]
Works on one virtual machine; without a selector shows a table of all.
  -n, --name NAME        -u, --uuid UUID       the VM with this name, uuid,
  -d, --domid N          -o, --path PATH       domain number or object path
  -k, --disk N           -c, --nic N           its disk or NIC N instead of it
      --object PATH      as --path             --completion-names  only names
      --list-disks       --list-nics           its disks, its NICs
      --wait[=SECONDS]   with start, shutdown, reboot, destroy, pause, unpause:
                         until the VM is in the state that this leads to
      --json[=pretty]    the table or the result as JSON
      --bus ADDRESS      another bus than the system bus (or $XENBROKER_BUS)
      --timeout SECONDS  how long an answer may take
  -q, --query            do not log this call
  -h, --help             --version             and the other options of xec
console attaches this terminal to the guest's console; Ctrl-] leaves it.
Exit status: 0 ok, 1 usage or no such VM, 2 refused or failed, 3 xenmgr or bus
not there, 4 no answer in time.
Examples:  xec-vm -n web start --wait        xec-vm -n web get state
           xec-vm -n web set memory 512      xec-vm -n web console
See also: xec-vm(1), xec(1)
)";

} // namespace xb::xec
