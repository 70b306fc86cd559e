import CKernels
import Support

/// Moves values between the plain and the blocked layout.
enum Relayout {
  static func toBlocked(_ tensor: Tensor, block: Int) -> Tensor {
    let (channels, spatial) = (tensor.shape[1], tensor.spatialCount)
    let blocks = (channels + block - 1) / block
    let result = Tensor(
      shape: tensor.shape,
      layout: .blocked(block),
      storage: AlignedBuffer(
        uninitializedCount: Tensor.storageCount(tensor.shape, .blocked(block))
      )
    )
    let (source, target) = (tensor.storage, result.storage)
    EngineThreads.forEachRange(tensor.shape[0] * blocks, itemCost: spatial * block) { range in
      for item in range {
        let (sample, index) = (item / blocks, item % blocks)
        ck_to_blocked(
          source.pointer + sample * channels * spatial,
          target.pointer + sample * blocks * block * spatial,
          Int64(channels),
          Int64(spatial),
          Int64(block),
          Int64(index),
          Int64(index + 1)
        )
      }
    }
    return result
  }

  static func toPlain(_ tensor: Tensor) -> Tensor {
    let (channels, spatial, block) = (tensor.shape[1], tensor.spatialCount, tensor.lanes)
    let blocks = (channels + block - 1) / block
    let result = Tensor(
      shape: tensor.shape,
      storage: AlignedBuffer(uninitializedCount: tensor.count)
    )
    let (source, target) = (tensor.storage, result.storage)
    EngineThreads.forEachRange(tensor.shape[0] * blocks, itemCost: spatial * block) { range in
      for item in range {
        let (sample, index) = (item / blocks, item % blocks)
        ck_to_plain(
          source.pointer + sample * blocks * block * spatial,
          target.pointer + sample * channels * spatial,
          Int64(channels),
          Int64(spatial),
          Int64(block),
          Int64(index),
          Int64(index + 1)
        )
      }
    }
    return result
  }
}
