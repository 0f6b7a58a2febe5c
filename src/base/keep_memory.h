#pragma once
// RONDO_KEEP_MEMORY: whether freed memory is kept for its next use. Not under the address
// sanitizer, which could not tell a use after free.
#if defined(__SANITIZE_ADDRESS__)
#define RONDO_KEEP_MEMORY 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define RONDO_KEEP_MEMORY 0
#endif
#endif
#ifndef RONDO_KEEP_MEMORY
#define RONDO_KEEP_MEMORY 1
#endif
