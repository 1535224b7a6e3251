// SPDX-License-Identifier: Apache-2.0
// What the emulator, the shim in xenstored and the emulated guests agree on (C and C++): the files of a
// domain below the emulator's directory, and the record of an event channel.
//
//   domains/<domid>/state    exists while the domain does; one letter: r running, s shut down, c crashed, d
//   dying domains/<domid>/store    the page of xenstore's ring (struct xenstore_domain_interface of
//   io/xs_wire.h) domains/<domid>/event    fifo: a byte in it is xenstored's event to the guest
//   domains/<domid>/grants/N socket of the device channel that the guest offers as ring-ref N
//   events                   fifo: struct shared_event, events to xenstored
#ifndef XENBROKER_XEN_EMULATED_SHARED_LAYOUT_H
#define XENBROKER_XEN_EMULATED_SHARED_LAYOUT_H

#include <stdint.h>

/// Environment variable that tells the shim the emulator's directory.
#define XB_FAKEXEN_DIRECTORY "XENBROKER_EMULATOR_DIRECTORY"

/// Domid of a virtual interrupt (VIRQ_DOM_EXC): a domain changed its state.
#define XB_EVENT_VIRQ 0xffffffffu

/// Guest's side of xenstore's event channel and grant, as a start-of-day page would tell it.
#define XB_STORE_PORT 1
#define XB_STORE_REF 1
#define XB_CONSOLE_PORT 2
#define XB_CONSOLE_REF 2

/// A guest that stops by itself exits with this plus the SHUTDOWN_* number of Xen's public/sched.h. Any other
/// end is a crash.
#define XB_EXIT_SHUTDOWN 64

/// The guest's descriptor for what a hypervisor offers besides xenstore: a SOCK_SEQPACKET socket with one
/// word per message. To the guest: "start" or "restore\nSTATE" (nothing runs before), "power-button",
/// "resume" (a suspend came to nothing: go on). From it: "pv" (an HVM guest's PV driver is up), "acpi N"
/// (S-state), "suspend\nSTATE" (it stands still, and this is all it is: guest_state.hpp).
#define XB_HYPERCALL_FD 3
/// Longest message there, in bytes.
#define XB_LONGEST_HYPERCALL (64 * 1024)

struct shared_event {
    uint32_t domid; ///< who raised it, or XB_EVENT_VIRQ
    uint32_t port;  ///< its port there
};

#endif
