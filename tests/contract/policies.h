#pragma once
// A hard policy in miniature, to show that the balancing contract carries what the built-in ones
// don't use: watched picks and a gauge that channels share. For tests only.
#include "rondo/balance.h"

namespace rondo::contract {

PolicyFactory ClusterImplPolicy();

}  // namespace rondo::contract
