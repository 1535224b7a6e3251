// SPDX-License-Identifier: Apache-2.0
#include "xen/libxl/libxl_threads.hpp"

namespace xb::xen {

namespace {

Error closing() {
    return Error(errors::disconnected, "the connection to Xen is being closed");
}

} // namespace

LibxlThreads::LibxlThreads(Executor executor, std::size_t limit)
    : executor_(std::move(executor)), limit_(limit) {}

void LibxlThreads::submit(Job job) {
    const std::lock_guard lock(mutex_);
    if (stopping_)
        throw closing();
    joinEnded();
    jobs_.push_back(std::move(job));
    if (idle_ >= jobs_.size() || threads_.size() >= limit_)
        changed_.notify_one();
    else
        startThread();
}

// Signals stay as they are in the new thread: libxl's children, qemu among them, inherit its mask.
void LibxlThreads::startThread() {
    const auto self = threads_.emplace(threads_.end());
    try {
        *self = std::thread([this, self] { work(self); });
    } catch (...) {
        threads_.erase(self);
        if (!threads_.empty())
            return; // the others will come to it
        jobs_.pop_back();
        throw;
    }
}

void LibxlThreads::work(std::list<std::thread>::iterator self) {
    LibxlContext context;
    while (const auto job = nextJob(self)) {
        context.log().clear();
        job(&context, nullptr);
    }
}

// Waits for work. Nothing: this thread is to end, and is in ended_ already.
LibxlThreads::Job LibxlThreads::nextJob(std::list<std::thread>::iterator self) {
    std::unique_lock lock(mutex_);
    // One waits for the next operation, others end.
    if (jobs_.empty() && idle_ == 0 && !stopping_) {
        ++idle_;
        changed_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
        --idle_;
    }
    if (jobs_.empty() || stopping_) {
        ended_.splice(ended_.end(), threads_, self);
        changed_.notify_all();
        return {};
    }
    auto job = std::move(jobs_.front());
    jobs_.pop_front();
    return job;
}

void LibxlThreads::joinEnded() {
    for (auto& thread : ended_)
        thread.join();
    ended_.clear();
}

void LibxlThreads::stop() {
    std::unique_lock lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] { return threads_.empty(); });
    joinEnded();
    const auto unstarted = std::exchange(jobs_, {});
    lock.unlock();
    for (const auto& job : unstarted)
        job(nullptr, std::make_exception_ptr(closing()));
}

} // namespace xb::xen
