#pragma once

#include "app/config.hpp"

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

/// The keys of a configuration, named once for reading and writing. `visit` walks a `Config` in the
/// order in which the file is best read; a reader fills it in on the way and a writer prints it.

namespace crossclear::app {

struct SecretText;

/// One value, whatever its type.
struct Scalar {
    std::function<bool(std::string_view)> parse;  ///< Stores the value; false if the text is none.
    std::function<std::string()> format;
    std::string expected;  ///< In words, for whoever got it wrong.
    bool is_text{};        ///< May be quoted.
    bool is_secret{};      ///< Not to be shown.
};

/// What walks over the fields of one mapping.
class FieldVisitor {
public:
    /// Entries of a list where its owner names no other maximum.
    static constexpr std::size_t list_items_max = 100'000;

    FieldVisitor() = default;
    FieldVisitor(const FieldVisitor&) = delete;
    FieldVisitor& operator=(const FieldVisitor&) = delete;
    virtual ~FieldVisitor() = default;

    /// A value that must be there.
    template <class T, class Codec>
    void field(std::string_view key, T& value, const Codec& codec) {
        scalar(key, true, erase(value, codec));
    }
    /// A value that keeps its default where the file does not give it.
    template <class T, class Codec>
    void optional(std::string_view key, T& value, const Codec& codec) {
        scalar(key, false, erase(value, codec));
    }
    /// A list of values.
    template <class T, class Codec>
    void values(std::string_view key, std::vector<T>& list, const Codec& codec,
                std::size_t max = list_items_max) {
        scalars(key, list_of(list, codec, max));
    }
    /// The same, empty where the file does not give it.
    template <class T, class Codec>
    void optional_values(std::string_view key, std::vector<T>& list, const Codec& codec,
                         std::size_t max = list_items_max) {
        auto of = list_of(list, codec, max);
        of.is_required = false;
        scalars(key, of);
    }
    /// A list of mappings.
    template <class T, class Fields>
    void items(std::string_view key, std::vector<T>& list, Fields fields,
               std::size_t max = list_items_max) {
        objects(key, objects_of(list, fields, max));
    }
    /// The same, empty where the file does not give it.
    template <class T, class Fields>
    void optional_items(std::string_view key, std::vector<T>& list, Fields fields,
                        std::size_t max = list_items_max) {
        auto of = objects_of(list, fields, max);
        of.is_required = false;
        objects(key, of);
    }
    /// A mapping whose keys are values too, each with a list of values.
    template <class K, class T, class KeyCodec, class Codec>
    void table(std::string_view key, std::vector<std::pair<K, std::vector<T>>>& rows,
               const KeyCodec& key_codec, const Codec& codec) {
        entries(key,
                {.size = rows.size(),
                 .clear = [&rows] { rows.clear(); },
                 .key =
                     [&rows, key_codec](std::size_t i) {
                         if (i == rows.size()) rows.emplace_back();
                         return erase(rows[i].first, key_codec);
                     },
                 .values =
                     [&rows, codec](std::size_t i, std::string_view name, FieldVisitor& inner) {
                         inner.values(name, rows[i].second, codec);
                     }});
    }
    /// A mapping within this one.
    void object(std::string_view key, std::function<void(FieldVisitor&)> fields) {
        section(key, true, std::move(fields));
    }
    /// A mapping whose values keep their defaults where the file does not give it.
    void optional_object(std::string_view key, std::function<void(FieldVisitor&)> fields) {
        section(key, false, std::move(fields));
    }

    /// A mapping that stands for nothing where it is left out, and is then not written either.
    template <class T, class Fields>
    void optional_object(std::string_view key, std::optional<T>& value, Fields fields) {
        if (!value.has_value() && is_writing()) return;
        section(key, false, [&value, fields](FieldVisitor& inner) {
            if (!value) value.emplace();
            fields(inner, *value);
        });
    }

protected:
    /// Whether it prints what is there instead of filling it in.
    [[nodiscard]] virtual bool is_writing() const = 0;

    /// A list of values seen from outside. `at(size)` appends.
    struct ScalarList {
        std::size_t size{};
        std::size_t max{};  ///< Entries that are read; a longer list is a fault.
        bool is_required{true};
        std::function<void()> clear;
        std::function<Scalar(std::size_t)> at;
    };
    struct ObjectList {
        std::size_t size{};
        std::size_t max{};
        bool is_required{true};
        std::function<void()> clear;
        std::function<void(std::size_t, FieldVisitor&)> visit;
    };
    struct EntryList {
        std::size_t size{};
        std::function<void()> clear;
        std::function<Scalar(std::size_t)> key;
        std::function<void(std::size_t, std::string_view, FieldVisitor&)> values;
    };

    virtual void section(std::string_view key, bool is_required,
                         std::function<void(FieldVisitor&)> fields) = 0;
    virtual void scalar(std::string_view key, bool is_required, const Scalar& scalar) = 0;
    virtual void scalars(std::string_view key, const ScalarList& list) = 0;
    virtual void objects(std::string_view key, const ObjectList& list) = 0;
    virtual void entries(std::string_view key, const EntryList& list) = 0;

private:
    template <class T, class Codec>
    static ScalarList list_of(std::vector<T>& list, const Codec& codec, std::size_t max) {
        return {.size = list.size(),
                .max = max,
                .clear = [&list] { list.clear(); },
                .at =
                    [&list, codec](std::size_t i) {
                        if (i == list.size()) list.emplace_back();
                        return erase(list[i], codec);
                    }};
    }
    template <class T, class Fields>
    static ObjectList objects_of(std::vector<T>& list, Fields fields, std::size_t max) {
        return {.size = list.size(),
                .max = max,
                .clear = [&list] { list.clear(); },
                .visit =
                    [&list, fields](std::size_t i, FieldVisitor& inner) {
                        if (i == list.size()) list.emplace_back();
                        fields(inner, list[i]);
                    }};
    }
    template <class T, class Codec>
    static Scalar erase(T& value, const Codec& codec) {
        Scalar scalar;
        scalar.parse = [&value, codec](std::string_view text) {
            auto parsed = codec.parse(text);
            if (parsed) value = std::move(*parsed);
            return parsed.has_value();
        };
        scalar.format = [&value, codec] { return codec.format(value); };
        scalar.expected = codec.expected();
        scalar.is_text = Codec::is_text;
        scalar.is_secret = std::is_same_v<Codec, SecretText>;
        return scalar;
    }
};

/// Walks over all of a configuration.
void visit(FieldVisitor& visitor, Config& config);

}  // namespace crossclear::app
