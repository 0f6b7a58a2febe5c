#pragma once
// Makes the buffers of this process's sockets small, so that they are full all the time.
#include <dirent.h>
#include <sys/socket.h>

#include <cstdlib>
#include <vector>

namespace rondo::sockets {

// Of all that are open now; connections that TCP accepts later inherit their listener's. Returns
// how many there are.
inline int SetSocketBuffers(int bytes) {
  std::vector<int> open;
  DIR* folder = opendir("/proc/self/fd");
  while (const dirent* entry = readdir(folder)) open.push_back(std::atoi(entry->d_name));
  closedir(folder);
  int sockets = 0;
  for (const int fd : open) {
    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes) != 0) continue;
    sockets += setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes) == 0 ? 1 : 0;
  }
  return sockets;
}

}  // namespace rondo::sockets
