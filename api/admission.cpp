#include "api/admission.hpp"

namespace crossclear::api {

Admission::Ticket::~Ticket() {
    const std::lock_guard lock{admission_.mutex_};
    --admission_.sockets_;
    if (key_.empty()) {
        --admission_.without_login_;
    } else {
        admission_.leave_key(key_);
    }
    const auto found = admission_.by_address_.find(address_);
    if (--found->second == 0) admission_.by_address_.erase(found);
}

bool Admission::Ticket::log_in(const std::string& key) {
    if (key == key_) return true;
    const std::lock_guard lock{admission_.mutex_};
    const auto taken = admission_.by_key_.find(key);
    const auto places = taken == admission_.by_key_.end() ? 0 : taken->second;
    if (places >= admission_.limits_.per_key_max) return false;
    ++admission_.by_key_[key];
    if (key_.empty()) {
        --admission_.without_login_;
    } else {
        admission_.leave_key(key_);
    }
    key_ = key;
    return true;
}

void Admission::Ticket::log_out() {
    if (key_.empty()) return;
    const std::lock_guard lock{admission_.mutex_};
    admission_.leave_key(key_);
    ++admission_.without_login_;
    key_.clear();
}

// Under the lock.
void Admission::leave_key(const std::string& key) {
    const auto found = by_key_.find(key);
    if (--found->second == 0) by_key_.erase(found);
}

std::unique_ptr<Admission::Ticket> Admission::admit(const std::string& address) {
    const std::lock_guard lock{mutex_};
    auto& here = by_address_[address];
    auto refused = Refused::nothing;
    if (sockets_ >= limits_.sockets_max) {
        refused = Refused::total;
    } else if (here >= limits_.per_address_max) {
        refused = Refused::address;
    } else if (without_login_ >= limits_.without_login_max) {
        refused = Refused::without_login;
    }
    ++sockets_;
    ++without_login_;
    ++here;
    return std::make_unique<Ticket>(*this, address, refused);
}

bool Admission::is_flooded() {
    const std::lock_guard lock{mutex_};
    return sockets_ >= limits_.sockets_max + limits_.sockets_max / 8 + 64;
}

}  // namespace crossclear::api
