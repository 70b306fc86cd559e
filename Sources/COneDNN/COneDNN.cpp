#include "COneDNN.h"

#include <dnnl.hpp>

#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

// libgomp's entry points, declared here because the package may not pass -fopenmp.
extern "C" {
void GOMP_parallel(void (*body)(void *), void *argument, unsigned threads, unsigned flags);
int omp_get_thread_num(void);
int omp_get_num_threads(void);
void omp_set_num_threads(int threads);
}

namespace {

using dnnl::memory;
using tag = memory::format_tag;
using dims = memory::dims;

enum class Pass { forward, inputGradient, weightGradient };

/// A primitive with the memory that it needs around it, reused from call to call.
struct Entry {
  std::mutex mutex;
  dnnl::primitive primitive;
  // Activations as the caller keeps them, and as the primitive works on them.
  memory::desc input, output, innerInput, innerOutput;
  memory::desc weight, plainWeight, bias;
  memory scratch, blockedWeight, inputCopy, outputCopy;
  dnnl::reorder weightReorder, inputReorder, outputReorder;
  bool reordersWeight = false, relaysActivations = false;
  /// Threads that the primitive was made for.
  int32_t threads = 1;
};

/// Whether an implementation's sums depend on the number of threads: products of matrices do on
/// processors without AVX-512, where oneDNN splits the sums themselves.
bool dependsOnThreads(const std::string &name) {
  return codn_channel_block() == 8 && name.find("gemm") != std::string::npos;
}

/// Whether oneDNN found nothing better than its reference loops, 30 and more times slower.
bool isReference(const char *name) { return std::strncmp(name, "ref", 3) == 0; }

dims toDims(const int64_t *values, int64_t rank) { return dims(values, values + rank); }

memory::desc activation(int64_t batch, int64_t channels, const int64_t *spatial, int64_t rank,
                        int64_t block) {
  dims shape = {batch, channels};
  shape.insert(shape.end(), spatial, spatial + rank);
  static const tag plain[] = {tag::ncw, tag::nchw, tag::ncdhw};
  static const tag blocked8[] = {tag::nCw8c, tag::nChw8c, tag::nCdhw8c};
  static const tag blocked16[] = {tag::nCw16c, tag::nChw16c, tag::nCdhw16c};
  const tag *tags = block == 0 ? plain : block == 8 ? blocked8 : blocked16;
  return memory::desc(shape, memory::data_type::f32, tags[rank - 1]);
}

}  // namespace

struct codn_context {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};
  std::mutex mutex;
  std::map<std::string, std::shared_ptr<Entry>> entries;

  std::shared_ptr<Entry> entry(const codn_convolution &shape, Pass pass, bool hasBias,
                               int32_t threads);
  std::shared_ptr<Entry> make(const codn_convolution &shape, Pass pass, bool hasBias,
                              int32_t threads);
  /// Builds the primitive on the inner layouts; returns the name of its implementation.
  std::string build(Entry &entry, const codn_convolution &shape, Pass pass, bool hasBias);
  void buildRelays(Entry &entry, Pass pass);
};

std::shared_ptr<Entry> codn_context::entry(const codn_convolution &shape, Pass pass, bool hasBias,
                                           int32_t threads) {
  std::string key(reinterpret_cast<const char *>(&shape), sizeof shape);
  key.push_back(static_cast<char>(pass));
  key.push_back(hasBias ? 1 : 0);
  key.append(std::to_string(threads));
  std::lock_guard<std::mutex> lock(mutex);
  auto &slot = entries[key];
  if (!slot) slot = make(shape, pass, hasBias, threads);
  return slot;
}

std::shared_ptr<Entry> codn_context::make(const codn_convolution &s, Pass pass, bool hasBias,
                                          int32_t threads) {
  omp_set_num_threads(threads);
  auto entry = std::make_shared<Entry>();
  entry->threads = threads;
  entry->input = activation(s.batch, s.input_channels, s.input, s.rank, s.input_block);
  entry->output = activation(s.batch, s.output_channels, s.output, s.rank, s.output_block);
  entry->innerInput = entry->input;
  entry->innerOutput = entry->output;
  const std::string name = build(*entry, s, pass, hasBias);
  if (threads > 1 && dependsOnThreads(name)) return make(s, pass, hasBias, 1);
  if (!isReference(name.c_str()) || (s.input_block == 0 && s.output_block == 0)) return entry;

  // Large strides have no blocked loops; on plain layouts matrix products serve, even with the way
  // there and back: a training step of a small FCN took 0.12 s instead of over 2 s.
  auto plain = std::make_shared<Entry>();
  plain->threads = threads;
  plain->input = entry->input;
  plain->output = entry->output;
  plain->innerInput = activation(s.batch, s.input_channels, s.input, s.rank, 0);
  plain->innerOutput = activation(s.batch, s.output_channels, s.output, s.rank, 0);
  const std::string other = build(*plain, s, pass, hasBias);
  if (isReference(other.c_str())) return entry;
  if (threads > 1 && dependsOnThreads(other)) return make(s, pass, hasBias, 1);
  buildRelays(*plain, pass);
  return plain;
}

/// Reorders between the caller's layouts and the primitive's.
void codn_context::buildRelays(Entry &entry, Pass pass) {
  entry.relaysActivations = true;
  entry.inputCopy = memory(entry.innerInput, engine);
  entry.outputCopy = memory(entry.innerOutput, engine);
  memory input(entry.input, engine, nullptr), output(entry.output, engine, nullptr);
  entry.inputReorder = pass == Pass::inputGradient ? dnnl::reorder(entry.inputCopy, input)
                                                   : dnnl::reorder(input, entry.inputCopy);
  entry.outputReorder = pass == Pass::forward ? dnnl::reorder(entry.outputCopy, output)
                                              : dnnl::reorder(output, entry.outputCopy);
}

std::string codn_context::build(Entry &target, const codn_convolution &s, Pass pass,
                                bool hasBias) {
  Entry *entry = &target;
  const int64_t rank = s.rank;
  std::string name;
  dims weightShape;
  if (s.groups > 1) weightShape.push_back(s.groups);
  weightShape.push_back(s.output_channels / s.groups);
  weightShape.push_back(s.input_channels / s.groups);
  weightShape.insert(weightShape.end(), s.kernel, s.kernel + rank);
  static const tag dense[] = {tag::oiw, tag::oihw, tag::oidhw};
  static const tag grouped[] = {tag::goiw, tag::goihw, tag::goidhw};
  entry->plainWeight = memory::desc(weightShape, memory::data_type::f32,
                                    (s.groups > 1 ? grouped : dense)[rank - 1]);
  memory::desc anyWeight(weightShape, memory::data_type::f32, tag::any);
  entry->bias = hasBias ? memory::desc({s.output_channels}, memory::data_type::f32, tag::x)
                        : memory::desc();

  dims stride = toDims(s.stride, rank), low = toDims(s.pad_low, rank);
  dims high = toDims(s.pad_high, rank), dilation = toDims(s.dilation, rank);
  for (auto &value : dilation) value -= 1;  // oneDNN counts the holes, everyone else the step

  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  const auto algorithm = dnnl::algorithm::convolution_direct;
  dnnl::convolution_forward::desc forward(
      pass == Pass::forward ? dnnl::prop_kind::forward_inference
                            : dnnl::prop_kind::forward_training,
      algorithm, entry->innerInput, anyWeight, entry->bias, entry->innerOutput, stride, dilation,
      low, high);
  dnnl::convolution_forward::primitive_desc forwardPlan(forward, attributes, engine);
  switch (pass) {
    case Pass::forward:
      entry->weight = forwardPlan.weights_desc();
      entry->scratch = memory(forwardPlan.scratchpad_desc(), engine);
      name = forwardPlan.impl_info_str();
      entry->primitive = dnnl::convolution_forward(forwardPlan);
      break;
    case Pass::inputGradient: {
      dnnl::convolution_backward_data::desc backward(algorithm, entry->innerInput, anyWeight,
                                                     entry->innerOutput, stride, dilation, low,
                                                     high);
      dnnl::convolution_backward_data::primitive_desc plan(backward, attributes, engine,
                                                           forwardPlan);
      entry->weight = plan.weights_desc();
      entry->scratch = memory(plan.scratchpad_desc(), engine);
      name = plan.impl_info_str();
      entry->primitive = dnnl::convolution_backward_data(plan);
      break;
    }
    case Pass::weightGradient: {
      dnnl::convolution_backward_weights::desc backward(algorithm, entry->innerInput, anyWeight,
                                                        entry->innerOutput, stride, dilation, low,
                                                     high);
      dnnl::convolution_backward_weights::primitive_desc plan(backward, attributes, engine,
                                                              forwardPlan);
      entry->weight = plan.diff_weights_desc();
      entry->scratch = memory(plan.scratchpad_desc(), engine);
      name = plan.impl_info_str();
      entry->primitive = dnnl::convolution_backward_weights(plan);
      break;
    }
  }
  entry->reordersWeight = entry->weight != entry->plainWeight;
  if (entry->reordersWeight) {
    entry->blockedWeight = memory(entry->weight, engine);
    memory plain(entry->plainWeight, engine, nullptr);
    entry->weightReorder = pass == Pass::weightGradient
                               ? dnnl::reorder(entry->blockedWeight, plain)
                               : dnnl::reorder(plain, entry->blockedWeight);
  }
  return name;
}

namespace {

/// Runs `work` with OpenMP set to the thread count; turns every exception into a status.
template <typename Work>
int32_t guarded(codn_context *context, const codn_convolution *shape, Pass pass, bool hasBias,
                int32_t threads, Work work) {
  try {
    omp_set_num_threads(threads);
    auto entry = context->entry(*shape, pass, hasBias, threads);
    omp_set_num_threads(entry->threads);
    std::lock_guard<std::mutex> lock(entry->mutex);
    work(*entry);
    context->stream.wait();
    return CODN_OK;
  } catch (...) {
    return CODN_FAILED;
  }
}

memory wrap(codn_context *context, const memory::desc &desc, const float *data) {
  return memory(desc, context->engine, const_cast<float *>(data));
}

/// The caller's input activation as the primitive wants it; written to when it is the result.
memory innerInput(codn_context *context, Entry &entry, const float *data, bool isResult) {
  memory outer = wrap(context, entry.input, data);
  if (!entry.relaysActivations) return outer;
  if (!isResult) entry.inputReorder.execute(context->stream, outer, entry.inputCopy);
  return entry.inputCopy;
}

/// The same for the output activation.
memory innerOutput(codn_context *context, Entry &entry, const float *data, bool isResult) {
  memory outer = wrap(context, entry.output, data);
  if (!entry.relaysActivations) return outer;
  if (!isResult) entry.outputReorder.execute(context->stream, outer, entry.outputCopy);
  return entry.outputCopy;
}

/// The weights as the primitive wants them.
memory prepared(codn_context *context, Entry &entry, const float *weight) {
  memory plain = wrap(context, entry.plainWeight, weight);
  if (!entry.reordersWeight) return plain;
  entry.weightReorder.execute(context->stream, plain, entry.blockedWeight);
  return entry.blockedWeight;
}

}  // namespace

codn_context *codn_context_new(void) {
  try {
    return new codn_context();
  } catch (...) {
    return nullptr;
  }
}

void codn_context_free(codn_context *context) { delete context; }

int32_t codn_channel_block(void) {
  const auto isa = dnnl::get_effective_cpu_isa();
  switch (isa) {
    case dnnl::cpu_isa::sse41:
    case dnnl::cpu_isa::avx:
    case dnnl::cpu_isa::avx2:
    case dnnl::cpu_isa::avx2_vnni:
      return 8;
    default:
      return 16;
  }
}

void codn_version(int32_t version[3]) {
  const dnnl_version_t *found = dnnl_version();
  version[0] = found->major;
  version[1] = found->minor;
  version[2] = found->patch;
}

int32_t codn_convolution_forward(codn_context *context, const codn_convolution *shape,
                                 int32_t threads, const float *x, const float *weight,
                                 const float *bias, float *y) {
  return guarded(context, shape, Pass::forward, bias != nullptr, threads, [&](Entry &entry) {
    std::unordered_map<int, memory> arguments = {
        {DNNL_ARG_SRC, innerInput(context, entry, x, false)},
        {DNNL_ARG_WEIGHTS, prepared(context, entry, weight)},
        {DNNL_ARG_DST, innerOutput(context, entry, y, true)},
        {DNNL_ARG_SCRATCHPAD, entry.scratch}};
    if (bias) arguments[DNNL_ARG_BIAS] = wrap(context, entry.bias, bias);
    entry.primitive.execute(context->stream, arguments);
    if (entry.relaysActivations) {
      memory outer = wrap(context, entry.output, y);
      entry.outputReorder.execute(context->stream, entry.outputCopy, outer);
    }
  });
}

int32_t codn_convolution_input_gradient(codn_context *context, const codn_convolution *shape,
                                        int32_t threads, const float *dy, const float *weight,
                                        float *dx) {
  return guarded(context, shape, Pass::inputGradient, false, threads, [&](Entry &entry) {
    entry.primitive.execute(context->stream,
                            {{DNNL_ARG_DIFF_DST, innerOutput(context, entry, dy, false)},
                             {DNNL_ARG_WEIGHTS, prepared(context, entry, weight)},
                             {DNNL_ARG_DIFF_SRC, innerInput(context, entry, dx, true)},
                             {DNNL_ARG_SCRATCHPAD, entry.scratch}});
    if (entry.relaysActivations) {
      memory outer = wrap(context, entry.input, dx);
      entry.inputReorder.execute(context->stream, entry.inputCopy, outer);
    }
  });
}

int32_t codn_convolution_weight_gradient(codn_context *context, const codn_convolution *shape,
                                         int32_t threads, const float *x, const float *dy,
                                         float *dweight) {
  return guarded(context, shape, Pass::weightGradient, false, threads, [&](Entry &entry) {
    memory plain = wrap(context, entry.plainWeight, dweight);
    memory target = entry.reordersWeight ? entry.blockedWeight : plain;
    entry.primitive.execute(context->stream,
                            {{DNNL_ARG_SRC, innerInput(context, entry, x, false)},
                             {DNNL_ARG_DIFF_DST, innerOutput(context, entry, dy, false)},
                             {DNNL_ARG_DIFF_WEIGHTS, target},
                             {DNNL_ARG_SCRATCHPAD, entry.scratch}});
    if (entry.reordersWeight) entry.weightReorder.execute(context->stream, target, plain);
  });
}

namespace {
struct Job {
  int32_t chunks;
  void *argument;
  void (*body)(void *, int32_t);
};

void runJob(void *raw) {
  const Job &job = *static_cast<Job *>(raw);
  const int threads = omp_get_num_threads();
  for (int32_t chunk = omp_get_thread_num(); chunk < job.chunks; chunk += threads) {
    job.body(job.argument, chunk);
  }
}
}  // namespace

void codn_parallel(int32_t threads, int32_t chunks, void *argument,
                   void (*body)(void *argument, int32_t chunk)) {
  if (threads <= 1 || chunks <= 1) {
    for (int32_t chunk = 0; chunk < chunks; ++chunk) body(argument, chunk);
    return;
  }
  Job job{chunks, argument, body};
  GOMP_parallel(runJob, &job, static_cast<unsigned>(threads), 0);
}
