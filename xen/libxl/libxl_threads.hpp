// SPDX-License-Identifier: Apache-2.0
// Threads on which libxl works. A libxl context is locked while a domain is built, so one context would let a
// long create() hold up everything else; therefore each operation that runs has a thread and a context of its
// own, and uses libxl's synchronous calls. One thread stays when all is done, further ones come and go with
// the need.
#pragma once

#include "toolstack/libs/task.hpp"
#include "xen/libxl/libxl_context.hpp"

#include <condition_variable>
#include <deque>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <thread>
#include <type_traits>
#include <variant>

namespace xb::xen {

class LibxlThreads {
public:
    /// More operations than this wait for their turn.
    static constexpr std::size_t defaultLimit = 16;

    explicit LibxlThreads(Executor executor, std::size_t limit = defaultLimit);
    LibxlThreads(const LibxlThreads&) = delete;
    LibxlThreads& operator=(const LibxlThreads&) = delete;
    ~LibxlThreads() { stop(); }

    /// Runs `function(LibxlContext&)` on a thread; its result or exception comes back on the loop.
    template <class Function>
    auto run(Function function) -> Task<std::invoke_result_t<Function, LibxlContext&>> {
        using Result = std::invoke_result_t<Function, LibxlContext&>;
        auto outcome = std::make_shared<Outcome<Result>>(executor_);
        submit([executor = executor_, outcome,
                function = std::move(function)](LibxlContext* context, std::exception_ptr failure) mutable {
            if (context)
                perform(*outcome, function, *context);
            else
                outcome->failure = std::move(failure);
            asio::post(executor, [outcome] { outcome->done.set(); });
        });
        co_await outcome->done.wait();
        if (outcome->failure)
            std::rethrow_exception(outcome->failure);
        if constexpr (!std::is_void_v<Result>)
            co_return std::move(*outcome->value);
    }

    /// Waits for what runs (a create() may take its time), fails what waits. Further operations fail.
    void stop();

private:
    template <class Result>
    struct Outcome {
        explicit Outcome(const Executor& executor) : done(executor) {}
        Event done;
        std::exception_ptr failure;
        std::optional<std::conditional_t<std::is_void_v<Result>, std::monostate, Result>> value;
    };
    // Called once: with a context, or without one and with the reason.
    using Job = std::function<void(LibxlContext*, std::exception_ptr)>;

    template <class Result, class Function>
    static void perform(Outcome<Result>& outcome, Function& function, LibxlContext& context) {
        try {
            if constexpr (std::is_void_v<Result>)
                function(context);
            else
                outcome.value.emplace(function(context));
        } catch (...) {
            outcome.failure = std::current_exception();
        }
    }

    void submit(Job job);
    void startThread();
    void work(std::list<std::thread>::iterator self);
    Job nextJob(std::list<std::thread>::iterator self);
    void joinEnded();

    Executor executor_;
    const std::size_t limit_;

    std::mutex mutex_; // guards everything below
    std::condition_variable changed_;
    std::deque<Job> jobs_;
    std::list<std::thread> threads_;
    std::list<std::thread> ended_; // about to return; to be joined
    std::size_t idle_ = 0;
    bool stopping_ = false;
};

} // namespace xb::xen
