#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace torii::cli {

class Session;

/// One flag of a verb, as the help shows it.
struct Flag {
  std::string name;   ///< "--bundle"; a positional argument: "BUNDLE"
  std::string value;  ///< "DIR"; empty for a switch
  std::string help;   ///< one sentence
  bool positional = false;
};

/// A verb of the command line ("train", "bundle show"): declared once, parsed and documented from
/// the declaration. Flags are bound to fields that must outlive the call of parse().
class Verb {
 public:
  using Action = std::function<Result<void>(Session&)>;

  Verb(std::string name, std::string summary);

  void text(std::string name, std::string value, std::string* field, std::string help);
  /// May be given several times.
  void texts(std::string name, std::string value, std::vector<std::string>* field,
             std::string help);
  void integer(std::string name, std::string value, std::int64_t* field, std::string help);
  void flag(std::string name, bool* field, std::string help);
  void positional(std::string name, std::string* field, std::string help);

  /// The call in short ("torii train --data=DIR ..."), and examples: shown in the help.
  void usage(std::string text) { usage_.push_back(std::move(text)); }
  void example(std::string text) { examples_.push_back(std::move(text)); }
  /// Leaves the verb out of help and messages: it is for the build, not for people.
  void hide() { hidden_ = true; }
  void action(Action action) { action_ = std::move(action); }
  /// A verb below this one ("bundle" -> "show"). Valid until the next call.
  Verb& child(std::string name, std::string summary);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const std::string& summary() const { return summary_; }
  [[nodiscard]] const std::vector<Flag>& flags() const { return flags_; }
  [[nodiscard]] const std::vector<std::unique_ptr<Verb>>& children() const { return children_; }
  [[nodiscard]] bool hidden() const { return hidden_; }
  [[nodiscard]] const Action& action() const { return action_; }
  /// The help text, 100 columns wide. `prefix`: "torii" or "torii bundle".
  [[nodiscard]] std::string help(std::string_view prefix) const;

 private:
  friend class Parser;
  struct Binding {
    std::string* text = nullptr;
    std::vector<std::string>* texts = nullptr;
    std::int64_t* integer = nullptr;
    bool* flag = nullptr;
  };
  void add(Flag flag, Binding binding);

  std::string name_;
  std::string summary_;
  std::vector<std::string> usage_;
  std::vector<std::string> examples_;
  std::vector<Flag> flags_;
  std::vector<Binding> bindings_;  // beside flags_
  std::vector<std::unique_ptr<Verb>> children_;
  Action action_;
  bool hidden_ = false;
};

/// What a command line asks for.
struct Parsed {
  std::string help;              ///< not empty: print this and be done
  const Verb* verb = nullptr;    ///< otherwise: run this
  std::string path;              ///< its words: "bundle show"
  std::vector<std::string> set;  ///< flags that were given, for messages and precedence
  [[nodiscard]] bool given(std::string_view flag) const;
};

/// Parses `words` (without the program's name) by the verbs below `root` and fills the bound
/// fields. Errors: kInvalidArgument that names the word, what is near and what there is.
[[nodiscard]] Result<Parsed> parse(const Verb& root, const std::vector<std::string>& words);

}  // namespace torii::cli
