// SPDX-License-Identifier: Apache-2.0
// What --help and `help SUB-COMMAND` print. The first fits a screen of 24 lines and 80 columns; a test holds
// it to it.
#include "toolstack/xenops/commands.hpp"

namespace xb::xenops {

std::string helpText() {
    return R"(usage: xenops SUB-COMMAND [FLAG...] [OPERAND...]
Works on Xen's domains directly, for root in domain 0. DOMAIN is a number (also
-domid N), a name or a UUID. Flags have one dash or two; -flag=VALUE will do.
  list list_domains uptime info pcpuinfo capabilities dmesg debugkeys dom-uuid
  create FILE      as xl create does       console DOMAIN   ctrl-] leaves it
  pause unpause destroy sysrq DOMAIN       shutdown hard_shutdown DOMAIN -REASON
  save chkpoint restore resume dump-core   vcpu-list vcpu-set vcpu-pin
  migrate DOMAIN HOST   migrate-receive    affinity_set affinity_get
  balloon (mem-set) setmaxmem
  sched-credit sched_domain sched_get      list_devices
  block-attach block-detach block-list     add_vbd del_vbd
  network-attach network-detach network-list  add_vif del_vif
  add_pci del_pci pci-list  bind_pci pci-unbind pci-assignable-list
  add_ioport del_ioport add_iomem del_iomem add_irq del_irq
  getenforce setenforce watchdog set_target
  help SUB-COMMAND what it does, its flags and its aliases
      --hypervisor KIND         libxl [default] or emulated
      --emulator-directory DIR  run directory of xen-emulator
      --debug                   log to stderr what is done
  -h, --help                    --version
Exit status: 0 done, 1 usage, 2 refused or failed, 3 no Xen to work with.
A link to xenops whose name is a sub-command is that sub-command.
See also: xenops(8)
)";
}

std::string helpOf(const SubCommand& command) {
    std::string text = fmt::format("usage: xenops {} [FLAG...]{}{}\n{}\n", command.name,
                                   command.operands.empty() ? "" : " ", command.operands, command.summary);
    if (!command.aliases.empty())
        text += fmt::format("Also: {}\n", fmt::join(command.aliases, ", "));
    for (const Flag& flag : flagsOf(command)) {
        std::string words = flag.shortName.empty() ? "" : fmt::format("-{}, ", flag.shortName);
        words += fmt::format("-{}{}{}", flag.name, flag.value.empty() ? "" : " ", flag.value);
        text += fmt::format("  {:<26} {}\n", words, flag.text);
    }
    return text;
}

} // namespace xb::xenops
