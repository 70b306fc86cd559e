import CKernels

/// How the process treats memory that tensors give back.
public enum EngineMemory {
  /// Keeps large freed blocks for the next tensor, up to 1 GiB, instead of handing them back.
  ///
  /// A setting of the whole process, for programs to make at their start: page faults of fresh blocks
  /// took 6 % of a training step. Without effect where the C library is not glibc.
  public static func keepFreedBlocks() { ck_keep_freed_memory() }

  /// Hands blocks of a mebibyte and more back as soon as they are freed.
  ///
  /// For programs that prepare a plan, which then holds all that it needs. Without effect where the C
  /// library is not glibc.
  public static func returnFreedBlocks() { ck_return_freed_memory() }
}
