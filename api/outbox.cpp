#include "api/outbox.hpp"

#include "api/channels.hpp"
#include "api/views.hpp"
#include "base/check.hpp"

namespace crossclear::api {

void Outbox::push(std::string text) {
    bytes_ += text.size();
    entries_.push_back(
        {.text = std::move(text), .channel = {}, .previous = 0, .is_snapshot = false});
}

void Outbox::publish(const actors::Publication& publication) {
    if (!is_coalesced(publication.channel)) {
        push(publication_frame(publication, publication.previous, publication.is_snapshot,
                               listing_));
        return;
    }
    const auto waiting = replaceable_.find(publication.channel);
    if (waiting != replaceable_.end()) {
        auto& entry = entries_[waiting->second - popped_];
        // The merged message follows what the client has seen, not what it never will.
        if (publication.is_snapshot) {
            entry.previous = publication.previous;
            entry.is_snapshot = true;
        }
        bytes_ -= entry.text.size();
        entry.text = publication_frame(publication, entry.previous, entry.is_snapshot, listing_);
        bytes_ += entry.text.size();
        return;
    }
    replaceable_.emplace(publication.channel, popped_ + entries_.size());
    push(publication_frame(publication, publication.previous, publication.is_snapshot, listing_));
    auto& entry = entries_.back();
    entry.channel = publication.channel;
    entry.previous = publication.previous;
    entry.is_snapshot = publication.is_snapshot;
}

std::string Outbox::pop() {
    CHECK(!entries_.empty(), "something waits");
    auto entry = std::move(entries_.front());
    entries_.pop_front();
    ++popped_;
    bytes_ -= entry.text.size();
    if (entry.channel) replaceable_.erase(*entry.channel);
    return std::move(entry.text);
}

void Outbox::clear() {
    entries_.clear();
    replaceable_.clear();
    bytes_ = 0;
}

}  // namespace crossclear::api
