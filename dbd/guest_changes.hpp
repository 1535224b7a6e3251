// SPDX-License-Identifier: Apache-2.0
// Changes that guests make: within their own part of the tree, within their quota, and told of failures in
// terms of what they can see.
#pragma once

#include "dbd/store.hpp"
#include "dbd/view.hpp"

#include <functional>
#include <span>
#include <string>

namespace xb::dbd {

class GuestChanges {
public:
    /// `report` gets what guests are not told; not the same again and again.
    using Report = std::function<void(const std::string&)>;
    GuestChanges(Store& store, Report report) : store_(store), report_(std::move(report)) {}

    /// Does all steps, whose paths are the guest's, or throws and does none. An rm is a remove: it touches
    /// nothing beside its path, which could be another's.
    void apply(const View& guest, std::span<const StepView> steps);

private:
    void checkStep(const View& guest, const StepView& step) const;

    Store& store_;
    Report report_;
    std::string lastTrouble_;
};

} // namespace xb::dbd
