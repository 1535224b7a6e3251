// SPDX-License-Identifier: Apache-2.0
#include "dbd/db_object.hpp"

#include "dbd/path.hpp"
#include "toolstack/libs/log.hpp"

namespace xb::dbd {

// What is read is what was there when the call came; it is told when those who watch it have been told.

Task<std::string> DbObject::read(Caller caller, std::string path) {
    View view;
    if (!db_.isDom0(caller))
        view = co_await db_.viewOf(caller);
    std::string value = view.read(db_.tree(), path);
    if (db_.watches().unsettled())
        co_await db_.watches().settled();
    co_return value;
}

Task<std::string> DbObject::dump(Caller caller, std::string path) {
    if (!db_.isDom0(caller)) {
        const View view = co_await db_.viewOf(caller);
        path = view.place(std::move(path));
    }
    std::string json = db_.tree().dump(path);
    if (db_.watches().unsettled())
        co_await db_.watches().settled();
    co_return json;
}

Task<bool> DbObject::exists(Caller caller, std::string path) {
    if (!db_.isDom0(caller)) {
        const View view = co_await db_.viewOf(caller);
        path = view.place(std::move(path));
    }
    const bool there = db_.tree().exists(path);
    if (db_.watches().unsettled())
        co_await db_.watches().settled();
    co_return there;
}

Task<std::vector<std::string>> DbObject::list(Caller caller, std::string path) {
    if (!db_.isDom0(caller)) {
        const View view = co_await db_.viewOf(caller);
        path = view.place(std::move(path));
    }
    std::vector<std::string> names = db_.tree().list(path);
    if (db_.watches().unsettled())
        co_await db_.watches().settled();
    co_return names;
}

Task<std::vector<std::uint8_t>> DbObject::readBinary(Caller caller, std::string path) {
    View view;
    if (!db_.isDom0(caller))
        view = co_await db_.viewOf(caller);
    const std::string place = view.place(path);
    const Node* const node = db_.tree().find(place);
    if (node == nullptr || node->kind() != NodeKind::File)
        throw Error("not a binary node: " + forMessage(path));
    const std::string file = db_.tree().binaryPath(place);
    const std::size_t most = db_.tree().limits().binaryBytes;
    auto work = [this, file, most] {
        std::string text;
        FileStat stat;
        if (auto error = fs_.read(file, most, text, stat))
            throw Error("cannot read " + file + ": " + error.message());
        return text;
    };
    std::string bytes;
    try {
        bytes = co_await reader_.run(std::move(work));
    } catch (const Error& e) {
        if (view.isWhole())
            throw;
        log::warn("read_binary of guest domain {}: {}", view.domid(), e.what());
        throw Error("cannot read " + forMessage(path) + " now; dom0's log says why");
    }
    co_return std::vector<std::uint8_t>(bytes.begin(), bytes.end());
}

Task<> DbObject::write(Caller caller, std::string path, std::string value) {
    const StepView step{StepKind::write, path, value};
    const std::span<const StepView> steps(&step, 1);
    co_await db_.change(caller, steps);
}

Task<> DbObject::inject(Caller caller, std::string path, std::string value) {
    const StepView step{StepKind::inject, path, value};
    const std::span<const StepView> steps(&step, 1);
    co_await db_.change(caller, steps);
}

Task<> DbObject::rm(Caller caller, std::string path) {
    const StepView step{StepKind::rm, path, {}};
    const std::span<const StepView> steps(&step, 1);
    co_await db_.change(caller, steps);
}

} // namespace xb::dbd
