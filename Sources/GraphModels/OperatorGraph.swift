import Foundation
import Tensors

/// A network as a graph of operators, in the terms of ONNX (Open Neural Network Exchange).
///
/// A plain value: nothing of it is checked beyond its form until a `GraphNetwork` is made of it.
/// Nodes stand in the order in which they run; values are known by name.
public struct OperatorGraph: Sendable {
  /// An operator applied to values.
  public struct Node: Sendable {
    /// The operator, such as "Conv".
    public var operatorName: String
    /// The operator's domain; empty for ONNX's own operators.
    public var domain: String
    /// The node's own name, which may be empty.
    public var name: String
    /// The names of its operands; an empty name stands for an operand that is left out.
    public var inputs: [String]
    /// The names of its results; an empty name stands for a result that nobody wants.
    public var outputs: [String]
    /// Its attributes by name.
    public var attributes: [String: Attribute]

    /// Creates a node.
    /// - Parameters:
    ///   - operatorName: The operator, such as "Conv".
    ///   - name: The node's own name; that of its first output when empty.
    ///   - inputs: The names of its operands.
    ///   - outputs: The names of its results.
    ///   - attributes: Its attributes by name.
    ///   - domain: The operator's domain.
    public init(
      _ operatorName: String,
      name: String = "",
      inputs: [String],
      outputs: [String],
      attributes: [String: Attribute] = [:],
      domain: String = ""
    ) {
      self.operatorName = operatorName
      self.domain = domain
      self.name = name.isEmpty ? outputs.first ?? "" : name
      self.inputs = inputs
      self.outputs = outputs
      self.attributes = attributes
    }
  }

  /// A constant of a node that shapes what its operator does.
  public enum Attribute: Sendable {
    /// A number.
    case number(Float)
    /// A whole number.
    case integer(Int)
    /// A text.
    case text(String)
    /// A tensor.
    case tensor(StoredTensor)
    /// Numbers.
    case numbers([Float])
    /// Whole numbers.
    case integers([Int])
    /// Texts.
    case texts([String])
    /// A graph that the operator runs.
    indirect case graph(OperatorGraph)
    /// A kind that is known by its number only.
    case other(kind: Int)
  }

  /// The size of a dimension in a declaration.
  public enum Dimension: Sendable, Equatable {
    /// Always this many.
    case fixed(Int)
    /// Any size; equal names stand for equal sizes, an empty name for nothing.
    case free(String)

    /// The size, nil when it is free.
    public var size: Int? {
      if case .fixed(let size) = self { size } else { nil }
    }
  }

  /// The declaration of an input or output.
  public struct Value: Sendable, Equatable {
    /// The name.
    public var name: String
    /// The type of its numbers.
    public var type: GraphNumberType
    /// Its dimensions; nil when even their number is free.
    public var dimensions: [Dimension]?

    /// Creates a declaration.
    /// - Parameters:
    ///   - name: The name.
    ///   - type: The type of its numbers.
    ///   - dimensions: Its dimensions; nil when even their number is free.
    public init(_ name: String, type: GraphNumberType = .float32, dimensions: [Dimension]?) {
      self.name = name
      self.type = type
      self.dimensions = dimensions
    }
  }

  /// The versions of ONNX's operators that are known.
  public static let knownOpsets = 6...28

  /// The graph's name.
  public var name: String
  /// The nodes in the order in which they run.
  public var nodes: [Node]
  /// Weights and other constants by name.
  public var constants: [String: StoredTensor]
  /// What is put in; constants with a default are not among them.
  public var inputs: [Value]
  /// What comes out.
  public var outputs: [Value]
  /// The version of ONNX's operators.
  public var opset: Int
  /// The versions of other operators by domain.
  public var otherOpsets: [String: Int] = [:]
  /// The version of the file format.
  public var formatVersion = 8
  /// The program that wrote the graph, and its version.
  public var producer: (name: String, version: String) = ("", "")
  /// What the graph is, as a text.
  public var documentation = ""
  /// Free text by key.
  public var metadata: [String: String] = [:]

  /// Creates a graph.
  /// - Parameters:
  ///   - name: The graph's name.
  ///   - nodes: The nodes in the order in which they run.
  ///   - constants: Weights and other constants by name.
  ///   - inputs: What is put in.
  ///   - outputs: What comes out.
  ///   - opset: The version of ONNX's operators.
  public init(
    name: String,
    nodes: [Node] = [],
    constants: [String: StoredTensor] = [:],
    inputs: [Value] = [],
    outputs: [Value] = [],
    opset: Int = 17
  ) {
    self.name = name
    self.nodes = nodes
    self.constants = constants
    self.inputs = inputs
    self.outputs = outputs
    self.opset = opset
  }
}
