#pragma once
// Convolution and its gradients from oneDNN behind a C interface, and its thread pool.
//
// Every function returns a status: 0, or CODN_FAILED when oneDNN refuses (no exception and no
// message leaves the shim). Activations are fp32 in one of two layouts, told apart by a block size:
//   0   plain,   [N][C][spatial]
//   b   blocked, [N][ceil(C/b)][spatial][b]; lanes past C hold zero
// Weights are always plain, [O][I/groups][kernel]; the shim reorders them as the kernel wishes.
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { CODN_OK = 0, CODN_FAILED = -1 };

/// Primitives made so far, by shape. Safe to share between threads.
typedef struct codn_context codn_context;

/// One convolution's shape. Spatial arrays have `rank` entries, slowest first.
typedef struct {
  int64_t rank;
  int64_t batch, input_channels, output_channels, groups;
  int64_t input[3], output[3], kernel[3], stride[3], dilation[3], pad_low[3], pad_high[3];
  int64_t input_block, output_block;
} codn_convolution;

/// A new context, or NULL when oneDNN cannot start.
codn_context *codn_context_new(void);
void codn_context_free(codn_context *context);

/// The channel block that this processor's kernels like best: 16 with AVX-512, else 8.
int32_t codn_channel_block(void);

/// The library's version: major, minor and patch.
void codn_version(int32_t version[3]);

/// y = x * w + bias (bias may be NULL).
int32_t codn_convolution_forward(codn_context *context, const codn_convolution *shape,
                                 int32_t threads, const float *x, const float *weight,
                                 const float *bias, float *y);
/// dx from dy.
int32_t codn_convolution_input_gradient(codn_context *context, const codn_convolution *shape,
                                        int32_t threads, const float *dy, const float *weight,
                                        float *dx);
/// dw from x and dy.
int32_t codn_convolution_weight_gradient(codn_context *context, const codn_convolution *shape,
                                         int32_t threads, const float *x, const float *dy,
                                         float *dweight);

/// Calls body(argument, chunk) for each chunk of 0..<chunks on oneDNN's own threads, so that our
/// loops and its kernels never compete for the processors.
void codn_parallel(int32_t threads, int32_t chunks, void *argument,
                   void (*body)(void *argument, int32_t chunk));

#ifdef __cplusplus
}
#endif
