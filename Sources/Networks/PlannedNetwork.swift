import Layers
import Support
import Synchronization
import Tensors

/// A network that predicts by plans, one for each shape of input.
///
/// The first input of a shape is traced and planned, which takes about as long as packing the weights;
/// later ones run the plan. The plans of the shapes used last are kept. Each holds its own packed
/// weights (up to four times the network's, where Winograd's filtering is used) and its feature maps'
/// shared memory (`InferencePlan.arenaBytes`); both go with the plan.
///
/// May be called from several threads: runs of one plan wait for one another, and so does whoever
/// needs a plan while another is being made.
public final class PlannedNetwork: Sendable {
  /// How plans compute.
  public let options: InferencePlanOptions
  /// The number of plans kept.
  public let capacity: Int
  /// The network.
  package let network: any Network
  private let scratch: PlanScratch
  private let inspector: (@Sendable (Tensor) -> Void)?
  /// Which draw of the network's dropout is run; nil for none.
  private let sampleSeed: UInt64?
  /// The shape used last comes last.
  private let plans = Mutex<[InferencePlan]>([])

  /// Creates a network without plans.
  /// - Parameters:
  ///   - network: The network. Its weights must not change afterwards: plans hold copies.
  ///   - options: How plans compute.
  ///   - capacity: The number of plans kept, at least 1.
  ///   - scratch: Memory that the plans share with those of other networks.
  ///   - inspector: Sees every input, such as to keep examples of them.
  /// - Throws: `NetworksError.unavailablePrecision` for 8-bit integers without scales.
  public init(
    _ network: any Network,
    options: InferencePlanOptions = InferencePlanOptions(),
    capacity: Int = 2,
    scratch: PlanScratch = PlanScratch(),
    inspector: (@Sendable (Tensor) -> Void)? = nil
  ) throws(NetworksError) {
    precondition(capacity >= 1, "a capacity of \(capacity) keeps no plan")
    guard options.precision != .int8 || !options.largestInputs.isEmpty else {
      throw .unavailablePrecision(options.precision)
    }
    self.inspector = inspector
    self.scratch = scratch
    self.network = network
    self.options = options
    self.capacity = capacity
    sampleSeed = nil
  }

  private init(_ planned: PlannedNetwork, sampleSeed: UInt64) {
    inspector = nil
    scratch = planned.scratch
    network = planned.network
    options = planned.options
    capacity = planned.capacity
    self.sampleSeed = sampleSeed
  }

  /// The network with its dropout drawn once and for all (`Context.sample(seed:)`).
  /// - Parameter seed: Which draw.
  /// - Returns: A network with plans of its own; one without dropout computes as this does.
  public func sampled(seed: UInt64) -> PlannedNetwork { PlannedNetwork(self, sampleSeed: seed) }

  private var context: Context { sampleSeed.map(Context.sample(seed:)) ?? .inference }

  /// Finds the scales of 8-bit integers for this network.
  /// - Parameter examples: Inputs of one shape, with values as they will be predicted on.
  /// - Returns: For `InferencePlanOptions.largestInputs`; empty without examples.
  public func largestInputs(on examples: [Tensor]) -> [Float] {
    guard let shape = examples.first?.shape else { return [] }
    return InferencePlan.largestInputs(
      inputShape: shape,
      examples: examples.filter { $0.shape == shape }
    ) { network($0, in: .inference) }
  }

  /// Applies the network.
  /// - Parameter x: The input, as the network takes it.
  /// - Returns: The output, in single precision and row-major order.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    inspector?(x)
    return plan(for: x.shape)(x)
  }

  /// The plan for a shape, made now if there is none.
  /// - Parameter shape: The input's shape.
  /// - Returns: The plan.
  public func plan(for shape: [Int]) -> InferencePlan {
    plans.withLock { plans in
      if let index = plans.firstIndex(where: { $0.inputShape == shape }) {
        plans.append(plans.remove(at: index))
      } else {
        // First, so that there are never more than the capacity.
        if plans.count >= capacity { plans.removeFirst() }
        plans.append(
          InferencePlan(inputShape: shape, options: options, scratch: scratch) {
            network($0, in: context)
          }
        )
      }
      return plans[plans.count - 1]
    }
  }

  /// The shapes whose plans are kept, the one used last at the end.
  public var plannedShapes: [[Int]] { plans.withLock { $0.map(\.inputShape) } }
}
