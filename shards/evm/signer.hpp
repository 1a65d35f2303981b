#pragma once

#include "base/result.hpp"
#include "ledger/signing/effects.hpp"
#include "ledger/signing/events.hpp"
#include "shards/evm/transaction.hpp"
#include "shards/evm/words.hpp"

#include <cstdint>
#include <functional>
#include <string>

/// Who signs a lane's transactions: another process that keeps the key, or, for development, this
/// one. Neither is believed: what comes back is read, compared with what was asked, and hashed
/// here.

namespace crossclear::shards::evm {

/// Why nothing was signed.
enum class SignFault : std::uint8_t {
    unreachable,  ///< Ask again.
    refused,      ///< Its rules forbid it.
    altered,      ///< It signed something else, or with another key: the lane halts.
};

/// What the signer has given, every field of it compared with what was asked.
struct SignedBytes {
    ledger::signing::Hash hash{};
    std::string raw;

    friend bool operator==(const SignedBytes&, const SignedBytes&) = default;
};

/// That nothing was signed, and what is said about it.
struct NotSigned {
    SignFault fault{};
    /// The signer's words or its connection's, printable, at most `rpc_message_max` long; empty
    /// where there are none. For people: nothing is decided by them.
    std::string says{};

    friend bool operator==(const NotSigned&, const NotSigned&) = default;
};
/// What comes of asking a signer.
using SignResult = base::Result<SignedBytes, NotSigned>;

/// The transaction that is asked for: a call that moves no coin.
[[nodiscard]] Transaction transaction_of(const ledger::signing::Sign& asked);

/// Bytes that are the transaction that was asked for, signed by the key. The hash is of the bytes,
/// whatever name the signer has for them. **Errors:** `altered`.
[[nodiscard]] SignResult compare_signed(const ledger::signing::Sign& asked,
                                        const ledger::signing::Address& key, BytesView raw);

/// Signs with one key. **Thread:** that of its io_context, on which callbacks come as well, never
/// from within a call, and also after its end.
class Signer {
public:
    using Done = std::function<void(SignResult)>;

    Signer() = default;
    Signer(const Signer&) = delete;
    Signer& operator=(const Signer&) = delete;
    virtual ~Signer() = default;

    /// Whose transactions it signs.
    [[nodiscard]] virtual ledger::signing::Address key() const = 0;
    /// Signs this transaction and no other.
    virtual void sign(const ledger::signing::Sign& asked, Done done) = 0;
};

}  // namespace crossclear::shards::evm
