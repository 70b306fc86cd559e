import Foundation
import Layers
import Networks
import Pipelines
import Tensors

/// Finds a likely sentence by keeping several side by side.
struct BeamSearch {
  /// A sentence, and where was looked for each word.
  struct Sentence {
    /// The words by number, without marks of start and end.
    var words: [Int]
    /// The natural logarithm of the probability of what is scored of it.
    var logarithm: Double
    /// How many words are scored: its own, and its end unless it was cut at the largest number of words.
    var scored: Int
    /// For each word the share of each place.
    var attention: [[Float]]
  }

  /// Sentences are compared by their logarithm over the number of scored words to this power.
  ///
  /// Wu et al. 2016, "Google's neural machine translation system", section 7, without the rest.
  private static let lengthPower = 0.7

  let network: CaptionNetwork
  let plan: SequencePlan.Captions

  /// Writes a sentence.
  /// - Parameter image: `[1, C, H, W]`, as the network sees it.
  /// - Returns: The sentence; nil when scores are not finite.
  func sentence(_ image: Tensor) -> Sentence? {
    let beams = plan.beams
    let one = network.places(of: image, in: .inference)
    let places = concatenation([Tensor](repeating: one, count: beams), axis: 0)
    var state = network.begin(places, in: .inference)
    var open = [Sentence(words: [], logarithm: 0, scored: 0, attention: [])]
    var closed: [Sentence] = []
    for step in 0...plan.maximumWords {
      if step == plan.maximumWords {
        closed += open
        break
      }
      // Always as many rows, so that rounding does not depend on how many sentences are left.
      let last = (0..<beams).map { place in
        step == 0
          ? SequencePlan.Captions.start : open[min(place, open.count - 1)].words[step - 1]
      }
      let result = network.step(last, places, from: state, in: .inference)
      let (scores, attention) = (result.scores.values, result.attention.values)
      guard scores.allSatisfy(\.isFinite) else { return nil }
      let (width, area) = (plan.words.count, attention.count / beams)
      var candidates: [(row: Int, word: Int, logarithm: Double)] = []
      for row in open.indices {
        let own = scores[row * width..<(row + 1) * width]
        let largest = Double(own.max() ?? 0)
        let whole = largest + log(own.reduce(0) { $0 + exp(Double($1) - largest) })
        for word in 0..<width
        where word != SequencePlan.Captions.start && word != SequencePlan.Captions.unknown {
          candidates.append(
            (row, word, open[row].logarithm + Double(own[row * width + word]) - whole)
          )
        }
      }
      candidates.sort {
        $0.logarithm != $1.logarithm
          ? $0.logarithm > $1.logarithm : ($0.row, $0.word) < ($1.row, $1.word)
      }
      var next: [(row: Int, sentence: Sentence)] = []
      for candidate in candidates where next.count + closed.count < beams {
        var sentence = open[candidate.row]
        sentence.logarithm = candidate.logarithm
        sentence.scored += 1
        if candidate.word == SequencePlan.Captions.end {
          closed.append(sentence)
        } else {
          sentence.words.append(candidate.word)
          sentence.attention.append(
            Array(attention[candidate.row * area..<(candidate.row + 1) * area])
          )
          next.append((candidate.row, sentence))
        }
      }
      guard !next.isEmpty else { break }
      open = next.map(\.sentence)
      let rows = (0..<beams).map { next[min($0, next.count - 1)].row }
      state = CaptionNetwork.State(
        hidden: result.state.hidden.selecting(rows, axis: 0),
        cell: result.state.cell.selecting(rows, axis: 0)
      )
    }
    return closed.max { rating($0) < rating($1) } ?? open.first
  }

  private func rating(_ sentence: Sentence) -> Double {
    sentence.logarithm / pow(Double(max(1, sentence.scored)), Self.lengthPower)
  }
}
