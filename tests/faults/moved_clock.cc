// Loaded before a program (LD_PRELOAD), it moves that program's clock by as many seconds as the
// file TORII_TEST_CLOCK says at that moment. Clocks that only measure are left alone.
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <cstdlib>

namespace {

time_t moved_by() {
  const char* const name = getenv("TORII_TEST_CLOCK");
  if (name == nullptr) return 0;
  const int file = open(name, O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  char text[32] = {};
  const ssize_t got = read(file, text, sizeof(text) - 1);
  close(file);
  return got > 0 ? atol(text) : 0;
}

}  // namespace

#define SEEN extern "C" __attribute__((visibility("default")))

SEEN int clock_gettime(clockid_t clock, timespec* now) noexcept {
  const long failed = syscall(SYS_clock_gettime, clock, now);
  if (failed == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
    now->tv_sec += moved_by();
  }
  return static_cast<int>(failed);
}

SEEN int gettimeofday(timeval* now, void*) noexcept {
  timespec precise{};
  const int failed = clock_gettime(CLOCK_REALTIME, &precise);
  now->tv_sec = precise.tv_sec;
  now->tv_usec = precise.tv_nsec / 1000;
  return failed;
}

SEEN time_t time(time_t* copy) noexcept {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  if (copy != nullptr) *copy = now.tv_sec;
  return now.tv_sec;
}
