#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

/// A node that says what a test wants it to say: over HTTP and over WebSocket, on a port of its
/// own.

namespace crossclear::tests {

/// What becomes of one question.
struct Script {
    unsigned status{200};
    std::string body{};
    std::vector<std::string> also{};  ///< Over WebSocket, further texts.
    bool is_silent{};                 ///< Nothing comes, and the connection stays.
    bool is_cut{};                    ///< Half of the answer, and the connection ends.
    bool is_refused{};                ///< The connection ends without an answer.
    bool is_closed_after{};  ///< The connection ends after the answer, without a word of it.
};

/// **Thread:** any; scripts are asked for on threads of the node, one a connection.
class ScriptedNode {
public:
    /// `answer` gets the text of each question.
    explicit ScriptedNode(std::function<Script(const std::string&)> answer);
    ScriptedNode(const ScriptedNode&) = delete;
    ScriptedNode& operator=(const ScriptedNode&) = delete;
    /// Ends all connections.
    ~ScriptedNode();

    /// Where it answers.
    [[nodiscard]] std::string http_url() const;
    [[nodiscard]] std::string websocket_url() const;
    /// What it was asked so far.
    [[nodiscard]] std::vector<std::string> questions() const;
    /// Connections that were made to it so far.
    [[nodiscard]] std::uint64_t connections() const;
    /// Ends every connection; it goes on taking new ones.
    void hang_up();

private:
    struct State;
    std::unique_ptr<State> state_;
};

/// The result `text` (JSON) for the only question in `question`, under its id.
[[nodiscard]] std::string result_for(const std::string& question, const std::string& text);
/// The error, likewise.
[[nodiscard]] std::string error_for(const std::string& question, std::int64_t code,
                                    const std::string& message);

}  // namespace crossclear::tests
