/*
 * fuzz_hello.c - what decodes as a hello is exactly what would be encoded for it.
 */
#include "base/check.h"
#include "net/hello.h"
#include "wire/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hello hello;

	if (size > FRAME_HELLO_MAX || hello_decode(bytes_of(data, size), &hello) != OK)
		return 0;
	ASSERT(hello.entry.size < size);
	ASSERT(hello.entry.size == 0 || (hello.entry.data >= data && hello.entry.data + hello.entry.size <= data + size));
	struct blob *again = hello_encode(&hello);
	ASSERT(bytes_equal(blob_bytes(again), bytes_of(data, size)));
	blob_drop(again);
	return 0;
}
