#include "risk/kernel/universe.hpp"

#include <algorithm>
#include <cstddef>

namespace crossclear::risk::kernel {
namespace {

template <class Id, class Named>
std::optional<Id> find_named(const std::vector<Named>& list, std::string_view name) {
    const auto found = std::find_if(list.begin(), list.end(),
                                    [name](const Named& one) { return one.name == name; });
    if (found == list.end()) return std::nullopt;
    return Id{static_cast<typename Id::rep>(found - list.begin())};
}

}  // namespace

std::optional<UnderlyingId> Universe::find_underlying(std::string_view name) const {
    return find_named<UnderlyingId>(underlyings, name);
}
std::optional<WrapperId> Universe::find_wrapper(std::string_view name) const {
    return find_named<WrapperId>(wrappers, name);
}
std::optional<ProtocolId> Universe::find_protocol(std::string_view name) const {
    return find_named<ProtocolId>(protocols, name);
}
std::optional<InstrumentId> Universe::find_instrument(std::string_view name) const {
    return find_named<InstrumentId>(instruments, name);
}

double range_of(const Universe& universe, const Wrapper& wrapper) {
    if (wrapper.underlying) return universe.underlying(*wrapper.underlying).range;
    return std::max(wrapper.peg_down, wrapper.peg_up);
}

}  // namespace crossclear::risk::kernel
