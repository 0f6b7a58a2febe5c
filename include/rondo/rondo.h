#pragma once
// All of rondo but what needs Asio (rondo/asio.h). Generated code includes what it needs itself.
// Threads: as each header says.
#include "rondo/balance.h"
#include "rondo/channel.h"
#include "rondo/config.h"
#include "rondo/health.h"
#include "rondo/policy.h"
#include "rondo/reflection.h"
#include "rondo/resolve.h"
#include "rondo/server.h"
#include "rondo/service.h"
#include "rondo/service_config.h"
#include "rondo/spawn.h"
#include "rondo/stub.h"
