// What operators ask of a signing lane.
#include "actors/refusals.hpp"
#include "actors/signing_actor.hpp"

namespace crossclear::actors {

void SigningHost::on_operator(const OperatorAsk& ask) {
    operators_.answer_when_durable(this, crank_, ask, wrong_desk());
}

}  // namespace crossclear::actors
