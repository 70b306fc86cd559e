#include "COpenSSL.h"

#include <openssl/evp.h>
#include <stdlib.h>

struct copenssl_sha256 {
  EVP_MD_CTX *context;
};

copenssl_sha256 *copenssl_sha256_new(void) {
  copenssl_sha256 *hash = malloc(sizeof *hash);
  if (!hash) return NULL;
  hash->context = EVP_MD_CTX_new();
  if (!hash->context || EVP_DigestInit_ex(hash->context, EVP_sha256(), NULL) != 1) {
    copenssl_sha256_free(hash);
    return NULL;
  }
  return hash;
}

int32_t copenssl_sha256_update(copenssl_sha256 *hash, const void *bytes, size_t count) {
  return EVP_DigestUpdate(hash->context, bytes, count) == 1 ? 0 : -1;
}

int32_t copenssl_sha256_finish(copenssl_sha256 *hash, uint8_t digest[32]) {
  unsigned int length = 0;
  return EVP_DigestFinal_ex(hash->context, digest, &length) == 1 && length == 32 ? 0 : -1;
}

void copenssl_sha256_free(copenssl_sha256 *hash) {
  if (!hash) return;
  EVP_MD_CTX_free(hash->context);
  free(hash);
}
