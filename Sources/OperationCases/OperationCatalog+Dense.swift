import Layers
import Support
import Tensors

extension OperationCatalog {
  /// Algebra, shapes, reductions, recurrence and attention.
  public static let dense: [OperationCase] =
    broadcasts + functions + reductions + slices + rearrangements + indexed + products
    + recurrences

  private static let broadcasts: [OperationCase] = [
    OperationCase("add-row", [[2, 5, 3, 4], [4]]) { $0[0] + $0[1] },
    OperationCase("subtract-both", [[3, 1, 5], [2, 1]]) { $0[0] - $0[1] },
    OperationCase("multiply-channels", [[2, 5, 3, 4], [2, 5, 1, 1]], course: .smooth) {
      $0[0] * $0[1]
    },
    OperationCase("multiply-channels-blocks", [[1, 16, 3, 4], [1, 16, 1, 1]], course: .smooth) {
      $0[0] * $0[1]
    },
    OperationCase(
      "divide",
      [[2, 5, 3, 4], [5, 1, 4]],
      fills: [.normal, .positive],
      course: .smooth
    ) { $0[0] / $0[1] },
    OperationCase("maximum", [[4, 5], [1, 5]], fill: .alternating, course: .smooth) {
      maximum($0[0] * 2, $0[1])
    },
    OperationCase("minimum", [[2, 5, 3, 4], []], fill: .alternating, course: .smooth) {
      minimum($0[0] * 2, $0[1])
    },
    OperationCase("power", [[3, 4], [2, 1, 4]], fills: [.positive, .normal], course: .smooth) {
      power($0[0], $0[1])
    },
    OperationCase("scalars", [[2, 5, 3, 4]], fill: .positive, course: .smooth) {
      (2 - ($0[0] + 1.5) / 4 + 3 / $0[0]) * 0.5 - 1
    },
    OperationCase("select", [[2, 5, 3, 4], [5, 1, 1]]) {
      let mask = Tensor([1, 0, 0, 1, 1, 0, 1, 0, 1, 1, 0, 0], shape: [3, 4])
      return selection(where: mask, $0[0], $0[1])
    },
  ]

  private static let functions: [OperationCase] = [
    OperationCase("exp", [[2, 5, 3, 4]], course: .smooth) { ($0[0] * 0.5).exp() },
    OperationCase("log", [[2, 5, 3, 4]], fill: .positive, course: .smooth) {
      ($0[0] + 0.5).log()
    },
    OperationCase("square-root", [[2, 5, 3, 4]], fill: .positive, course: .smooth) {
      ($0[0] + 0.5).squareRoot()
    },
    OperationCase("squared", [[2, 5, 3, 4]], course: .smooth) { $0[0].squared() },
    OperationCase("magnitude", [[2, 5, 3, 4]], fill: .alternating, course: .smooth) {
      $0[0].magnitude()
    },
    OperationCase("negate", [[2, 5, 3, 4]]) { -$0[0] },
    OperationCase("reciprocal", [[2, 5, 3, 4]], fill: .positive, course: .smooth) {
      ($0[0] + 1).reciprocal()
    },
    OperationCase("clamp", [[2, 5, 3, 4]], fill: .distinct, course: .smooth) {
      $0[0].clamped(low: -4.2, high: 7.2)
    },
  ]

  private static let reductions: [OperationCase] = [
    OperationCase("sum-middle", [[2, 5, 3, 4]]) { $0[0].sum(axes: [1]) },
    OperationCase("sum-apart", [[2, 5, 3, 4]]) { $0[0].sum(axes: [0, -2], keepingAxes: true) },
    OperationCase("mean-last", [[2, 5, 3, 4]]) { $0[0].mean(axes: [2, 3]) },
    OperationCase("variance", [[2, 5, 3, 4]], course: .smooth) { $0[0].variance(axes: [0, 2]) },
    OperationCase("variance-biased", [[4, 7]], course: .smooth) {
      $0[0].variance(axes: [0], correction: 0, keepingAxes: true)
    },
    OperationCase("deviation", [[3, 7]], fill: .alternating, course: .smooth) {
      $0[0].standardDeviation(axes: [1])
    },
    OperationCase("log-sum-exp", [[2, 5, 3, 4]], course: .smooth) { $0[0].logSumExp(axes: [1]) },
    OperationCase("log-sum-exp-all", [[3, 5]], course: .smooth) { $0[0].logSumExp() },
    OperationCase("largest", [[3, 5, 4]], fill: .distinct, course: .smooth) {
      $0[0].maximum(axes: [1])
    },
    OperationCase("largest-apart", [[3, 5, 3]], fill: .distinct, course: .smooth) {
      $0[0].maximum(axes: [0, 2], keepingAxes: true)
    },
    OperationCase("largest-ties", [[3, 5, 4]], fill: .ties, course: .broken) {
      $0[0].maximum(axes: [1])
    },
    OperationCase("smallest", [[2, 5, 3, 4]], fill: .distinct, course: .smooth) {
      $0[0].minimum(axes: [-1])
    },
    OperationCase("cumulative-sum", [[3, 5, 4]]) { $0[0].cumulativeSum(axis: 1) },
    OperationCase("cumulative-sum-last", [[3, 7]]) { $0[0].cumulativeSum(axis: -1) },
    OperationCase("softmax-last", [[2, 3, 7]], course: .smooth) { softmax($0[0], axis: -1) },
    OperationCase("softmax-first", [[4, 5]], course: .smooth) { softmax($0[0], axis: 0) },
  ]

  private static let slices: [OperationCase] = [
    OperationCase("slice", [[5, 7, 4]]) {
      $0[0].sliced([
        AxisSlice(start: 1, end: -1), AxisSlice(start: 6, end: 0, step: -2), AxisSlice(step: 3),
      ])
    },
    OperationCase("slice-axis", [[2, 5, 3, 4]]) { $0[0].sliced(axis: 1, start: 1, end: 4) },
    OperationCase("split", [[2, 6, 3]]) {
      let parts = $0[0].split(sizes: [1, 3, 2], axis: 1)
      return concatenation([parts[2], parts[1] * 2, parts[0]], axis: 1)
    },
    OperationCase("flip", [[3, 4, 5]]) { $0[0].flipped(axes: [0, -1]) },
    OperationCase("roll", [[3, 5, 2]]) { $0[0].rolled(by: 7, axis: 1) },
    OperationCase("roll-back", [[3, 5]]) { $0[0].rolled(by: -1, axis: -1) },
  ]

  private static let rearrangements: [OperationCase] = [
    OperationCase("concatenate-last", [[2, 3, 2], [2, 3, 5]]) { concatenation($0, axis: -1) },
    OperationCase("concatenate-first", [[2, 3], [1, 3], [3, 3]]) { concatenation($0, axis: 0) },
    OperationCase("stack", [[3, 4], [3, 4], [3, 4]]) { stack($0, axis: 1) },
    OperationCase("transpose", [[2, 5, 3, 4]]) { $0[0].transposed([2, 0, 3, 1]) },
    OperationCase("transpose-pair", [[3, 7]]) { $0[0].transposed(0, 1) },
    OperationCase("broadcast", [[5, 1, 4]]) { $0[0].broadcasted(to: [2, 5, 3, 4]) },
    OperationCase("tile", [[2, 3]]) { $0[0].tiled([2, 1, 3]) },
    OperationCase("repeat", [[2, 3, 2]]) { $0[0].repeated(3, axis: 1) },
    OperationCase("flatten", [[2, 1, 3, 4]]) {
      $0[0].squeezed(1).unsqueezed(-1).flattened(from: 1, to: -2)
    },
  ]

  private static let indexed: [OperationCase] = [
    OperationCase("gather", [[3, 4, 5]]) {
      $0[0].gathered(IndexTensor((0..<24).map { $0 * 7 % 5 % 4 }, shape: [3, 2, 4]), axis: 1)
    },
    OperationCase("scatter-add", [[3, 5], [2, 4]]) {
      $0[0].scatterAdding(
        $0[1],
        at: IndexTensor([0, 3, 3, 1, 2, 2, 2, 0], shape: [2, 4]),
        axis: -1
      )
    },
    OperationCase("select-rows", [[2, 5, 3]]) { $0[0].selecting([4, 1, 1, 0], axis: 1) },
    OperationCase("select-rows-first", [[4, 3]]) { $0[0].selecting([3, 0, 3], axis: 0) },
    OperationCase("embedding", [[5, 3]]) {
      embedding(IndexTensor([0, 4, 4, 2, 0, 4], shape: [2, 3]), weight: $0[0])
    },
  ]

  private static let products: [OperationCase] = [
    OperationCase("matrix-product", [[3, 5], [5, 4]]) { matrixProduct($0[0], $0[1]) },
    OperationCase("matrix-product-batch", [[2, 3, 4, 5], [3, 5, 2]]) {
      matrixProduct($0[0], $0[1])
    },
    OperationCase("matrix-product-one-right", [[2, 3, 5], [5, 4]]) {
      matrixProduct($0[0], $0[1])
    },
    OperationCase("matrix-product-one-left", [[3, 5], [2, 5, 4]]) {
      matrixProduct($0[0], $0[1])
    },
    OperationCase("matrix-product-both", [[2, 1, 3, 5], [3, 5, 1]]) {
      matrixProduct($0[0], $0[1])
    },
    OperationCase("linear", [[2, 3, 5], [4, 5], [4]]) {
      linear($0[0], weight: $0[1], bias: $0[2])
    },
    OperationCase("linear-no-bias", [[3, 5], [1, 5]]) { linear($0[0], weight: $0[1]) },
    // Products of one row with a matrix run by a call of their own.
    OperationCase("linear-one-row", [[1, 37], [19, 37], [19]]) {
      linear($0[0], weight: $0[1], bias: $0[2])
    },
    OperationCase("linear-one-row-no-bias", [[1, 5], [7, 5]]) { linear($0[0], weight: $0[1]) },
    OperationCase("attention", [[2, 3, 5], [2, 4, 5], [2, 4, 3]], course: .smooth) {
      scaledDotProductAttention(query: $0[0], key: $0[1], value: $0[2])
    },
    OperationCase("attention-causal", [[2, 1, 4, 3], [2, 2, 4, 3], [2, 4, 2]], course: .smooth) {
      scaledDotProductAttention(query: $0[0], key: $0[1], value: $0[2], isCausal: true)
    },
    OperationCase("attention-mask", [[2, 3, 5], [2, 4, 5], [2, 4, 3]], course: .smooth) {
      scaledDotProductAttention(
        query: $0[0],
        key: $0[1],
        value: $0[2],
        mask: Tensor([1, 0, 1, 1, 0, 0, 0, 1, 1, 1, 0, 1], shape: [3, 4])
      )
    },
  ]

  private static let recurrences: [OperationCase] = [
    OperationCase(
      "lstm",
      [[5, 2, 3], [1, 2, 4], [1, 2, 4], [16, 3], [16, 4], [16], [16]],
      course: .smooth
    ) {
      let weights = RecurrentWeights(
        input: $0[3] * 0.5,
        hidden: $0[4] * 0.5,
        inputBias: $0[5],
        hiddenBias: $0[6]
      )
      let (output, hidden, cell) = lstm($0[0], weights: [weights], hidden: $0[1], cell: $0[2])
      return concatenation([output, hidden * 2, cell], axis: 0)
    },
    OperationCase(
      "lstm-both-ways",
      [[4, 2, 3], [12, 3], [12, 3], [12, 3], [12, 3], [8, 6], [8, 2], [8, 6], [8, 2]],
      course: .smooth
    ) {
      // Two layers of width 3 and 2 would need different states; run one after the other.
      let first = lstm(
        $0[0],
        weights: [
          RecurrentWeights(input: $0[1] * 0.5, hidden: $0[2] * 0.5),
          RecurrentWeights(input: $0[3] * 0.5, hidden: $0[4] * 0.5),
        ],
        isBidirectional: true
      )
      let second = lstm(
        first.output,
        weights: [
          RecurrentWeights(input: $0[5] * 0.5, hidden: $0[6] * 0.5),
          RecurrentWeights(input: $0[7] * 0.5, hidden: $0[8] * 0.5),
        ],
        isBidirectional: true
      )
      return concatenation(
        [second.output.flattened(), second.hidden.flattened(), first.cell.flattened()],
        axis: 0
      )
    },
    OperationCase(
      "gru",
      [[5, 2, 3], [1, 2, 4], [12, 3], [12, 4], [12], [12]],
      course: .smooth
    ) {
      let weights = RecurrentWeights(
        input: $0[2] * 0.5,
        hidden: $0[3] * 0.5,
        inputBias: $0[4],
        hiddenBias: $0[5]
      )
      let (output, hidden) = gru($0[0], weights: [weights], hidden: $0[1])
      return concatenation([output, hidden * 2], axis: 0)
    },
    OperationCase(
      "gru-both-ways",
      [[4, 2, 3], [9, 3], [9, 3], [9, 3], [9, 3], [9, 6], [9, 3], [9, 6], [9, 3]],
      course: .smooth
    ) { operands in
      let weights = (0..<4).map {
        RecurrentWeights(
          input: operands[1 + 2 * $0] * 0.5,
          hidden: operands[2 + 2 * $0] * 0.5
        )
      }
      let (output, hidden) = gru(operands[0], weights: weights, isBidirectional: true)
      return concatenation([output.flattened(), hidden.flattened()], axis: 0)
    },
    OperationCase("lstm-lengths", lengthShapes(rows: 16), course: .smooth) { operands in
      let (output, hidden, cell) = lstm(
        operands[0],
        weights: lengthWeights(operands),
        isBidirectional: true,
        lengths: [5, 2, 3]
      )
      return concatenation([output, hidden, cell].map { $0.flattened() }, axis: 0)
    },
    OperationCase("gru-lengths", lengthShapes(rows: 12), course: .smooth) { operands in
      let (output, hidden) = gru(
        operands[0],
        weights: lengthWeights(operands),
        isBidirectional: true,
        lengths: [5, 2, 3]
      )
      return concatenation([output, hidden].map { $0.flattened() }, axis: 0)
    },
  ]

  private static func lengthShapes(rows: Int) -> [[Int]] {
    let weights = [[rows, 3], [rows, 4], [rows], [rows]]
    return [[5, 3, 3]] + weights + weights
  }

  private static func lengthWeights(_ operands: [Tensor]) -> [RecurrentWeights] {
    [1, 5].map {
      RecurrentWeights(
        input: operands[$0] * 0.5,
        hidden: operands[$0 + 1] * 0.5,
        inputBias: operands[$0 + 2] * 0.5,
        hiddenBias: operands[$0 + 3] * 0.5
      )
    }
  }
}
