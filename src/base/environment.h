#pragma once

#include <functional>
#include <map>
#include <string>

namespace torii {

/// What the process was started with. Read once in main (or by the server) and passed down: nothing
/// else looks at the process's environment.
using Environment = std::map<std::string, std::string, std::less<>>;

}  // namespace torii
