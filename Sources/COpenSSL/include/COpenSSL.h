#pragma once
// SHA-256 from OpenSSL's libcrypto behind four calls; every function returns a status code.
#include <stddef.h>
#include <stdint.h>

typedef struct copenssl_sha256 copenssl_sha256;

/// A new running hash, or NULL when memory is short.
copenssl_sha256 *copenssl_sha256_new(void);
/// Adds `count` bytes. Returns 0, or -1 when the library failed.
int32_t copenssl_sha256_update(copenssl_sha256 *hash, const void *bytes, size_t count);
/// Writes the 32-byte digest. Returns 0, or -1 when the library failed.
int32_t copenssl_sha256_finish(copenssl_sha256 *hash, uint8_t digest[32]);
void copenssl_sha256_free(copenssl_sha256 *hash);
