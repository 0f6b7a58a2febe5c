#pragma once
// RFC 7541 section 5.2 and appendix B: the Huffman code of strings. Threads: all.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "rondo/slice.h"

namespace rondo::http2::hpack {

// Bytes that `size` coded ones can become at most: the shortest code has five bits.
constexpr size_t MostDecoded(size_t size) { return size * 8 / 5; }
// Returns the end of what was written, or null: EOS, or padding that is too long or not all ones.
char* HuffmanDecode(Bytes in, char* out);

size_t HuffmanSize(std::string_view text);
uint8_t* HuffmanEncode(std::string_view text, uint8_t* out);

}  // namespace rondo::http2::hpack
