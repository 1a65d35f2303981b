#include "api/admission.hpp"

namespace crossclear::api {

Admission::Ticket::~Ticket() {
    const std::lock_guard lock{admission_.mutex_};
    --admission_.sockets_;
    if (!is_logged_in_) --admission_.without_login_;
    const auto found = admission_.by_address_.find(address_);
    if (--found->second == 0) admission_.by_address_.erase(found);
}

void Admission::Ticket::set_logged_in(bool is_logged_in) {
    if (is_logged_in == is_logged_in_) return;
    is_logged_in_ = is_logged_in;
    const std::lock_guard lock{admission_.mutex_};
    if (is_logged_in) {
        --admission_.without_login_;
    } else {
        ++admission_.without_login_;
    }
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
