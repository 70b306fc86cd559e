import Foundation
import Recognition
import Support
import TestSupport
import Testing

struct DetectionDatasetTests {
  @Test func boxesOfPascalVOCAreRead() throws {
    let made = try MadeSquares(8)
    let train = try DetectionDataset.open(made.root, split: "train")
    #expect(train.classes == MadeSquares.classes)
    #expect(train.images.map(\.id) == [0, 1, 2, 4, 5, 6].map(made.name))
    #expect(train.problems.isEmpty)
    for (image, index) in zip(train.images, [0, 1, 2, 4, 5, 6]) {
      #expect(image.width == MadeSquares.width && image.height == MadeSquares.height)
      let boxes = made.squares[index].map { square in
        DetectionDataset.Object(
          label: square.label,
          box: DetectionBox(
            left: Double(square.x),
            top: Double(square.y),
            right: Double(square.x + square.side),
            bottom: Double(square.y + square.side)
          )
        )
      }
      #expect(image.objects == boxes)
    }
    // Without a list, every picture; also through the folder around it.
    #expect(try DetectionDataset.open(made.folder.path).images.count == 8)
  }

  @Test func whatIsWrongIsLeftOutAndCounted() throws {
    let made = try MadeSquares(9)
    func annotate(_ index: Int, _ objects: [(String, [Double])]) throws {
      try made.annotate(made.name(index), objects.map { (className: $0.0, edges: $0.1) })
    }
    try annotate(
      0,
      [
        ("square", [-5, 1, 20, 20]), ("square", [200, 200, 220, 220]), ("square", [9, 9, 9, 20]),
        ("square", [20, 20, 10, 30]), ("square", [.nan, 1, 5, 5]), ("unicorn", [1, 1, 9, 9]),
        ("square", [30, 30, 40, 40]),
      ]
    )
    try annotate(1, [])
    try made.text("<annotation><object>", to: "Annotations/picture2.xml")
    try made.text(
      "<!DOCTYPE a [<!ENTITY b 'b'>]><annotation>&b;</annotation>",
      to: "Annotations/picture3.xml"
    )
    try made.text("<html></html>", to: "Annotations/picture4.xml")
    try FileManager.default.removeItem(atPath: made.path("JPEGImages/picture5.png"))
    let broken = Data([0xFF, 0xD8, 0xFF, 0xE0]) + Data(repeating: 7, count: 300)
    try broken.write(to: URL(fileURLWithPath: made.path("JPEGImages/picture6.png")))
    try made.annotate(made.name(7), [("shade", [1, 1, 10, 10])], size: (10, 10))
    try FileManager.default.removeItem(atPath: made.path("Annotations/picture8.xml"))
    try made.list("all", (0..<9).map(made.name))

    let data = try DetectionDataset.voc(made.root, split: "all", classes: MadeSquares.classes)
    #expect(data.images.map(\.id) == ["picture0", "picture1", "picture7"])
    #expect(
      data.problemCounts == [
        .clippedBox: 1, .outsideBox: 1, .emptyBox: 3, .unknownClass: 1, .background: 1,
        .unreadableAnnotation: 4, .missingPicture: 1, .unreadablePicture: 1, .otherSize: 1,
      ]
    )
    #expect(data.images[0].objects.map(\.box.left) == [0, 29])
    #expect(data.images[1].objects.isEmpty)
    #expect(data.notes.count == 9 && data.notes.contains { $0.contains("unicorn") })
  }

  @Test func foldersThatAreNoDataSetAreRefused() throws {
    let folder = try TemporaryFolder()
    #expect(throws: RecognitionError.self) { try DetectionDataset.open(folder.path) }
    #expect(throws: SupportError.self) { try DetectionDataset.open(folder.file("none")) }
    let made = try MadeSquares(1)
    #expect(throws: RecognitionError.self) {
      try DetectionDataset.open(made.root, split: "nonsense")
    }
    #expect(throws: RecognitionError.self) {
      try DetectionDataset.open(made.root, split: "../Main/train")
    }
  }

  private func coco(_ made: MadeSquares, _ content: String) throws -> DetectionDataset {
    try made.text(content, to: "JPEGImages/instances_all.json")
    return try DetectionDataset.open(made.path("JPEGImages/instances_all.json"))
  }

  @Test func boxesOfCOCOAreRead() throws {
    let made = try MadeSquares(3)
    let data = try coco(
      made,
      """
      {"info": {"year": 2020},
       "images": [{"id": 7, "file_name": "picture0.png", "width": 96, "height": 64},
                  {"id": 9, "file_name": "picture1.png", "width": 96, "height": 64},
                  {"id": 10, "file_name": "../../picture2.png"},
                  {"id": 11, "file_name": "gone.png"}],
       "categories": [{"id": 3, "name": "square"}, {"id": 1, "name": "shade"}],
       "annotations": [
         {"id": 1, "image_id": 7, "category_id": 3, "bbox": [2, 3, 10, 12.5], "iscrowd": 0},
         {"id": 2, "image_id": 7, "category_id": 1, "bbox": [50, 40, 30, 20], "iscrowd": 1,
          "segmentation": {"counts": [1], "size": [64, 96]}},
         {"id": 3, "image_id": 7, "category_id": 5, "bbox": [1, 1, 2, 2]},
         {"id": 4, "image_id": 8, "category_id": 3, "bbox": [1, 1, 2, 2]},
         {"id": 5, "image_id": 7, "category_id": 3, "bbox": [1, 1, 0, 2]},
         {"id": 6, "image_id": 7, "category_id": 3}]}
      """
    )
    #expect(data.classes == ["shade", "square"])
    #expect(data.images.map(\.id) == ["picture0", "picture1"])
    #expect(
      data.images[0].objects == [
        .init(label: 1, box: DetectionBox(left: 2, top: 3, right: 12, bottom: 15.5)),
        .init(
          label: 0,
          box: DetectionBox(left: 50, top: 40, right: 80, bottom: 60),
          kind: .crowd
        ),
      ]
    )
    #expect(
      data.problemCounts == [
        .orphanedBox: 1, .unknownClass: 1, .emptyBox: 2, .background: 1, .missingPicture: 2,
      ]
    )
    #expect(data.objectCounts == [0, 1])
  }

  @Test(arguments: [
    "", "[]", "{}", "{\"images\": []}", "{\"images\": [{\"id\": \"a\", \"file_name\": \"b\"}]}",
    "{\"images\": [{\"id\": 1, \"file_name\": \"a\"}, {\"id\": 1, \"file_name\": \"b\"}]}",
    "{\"images\": [{\"id\": 1, \"file_name\": \"a\"}], \"annotations\": 3}",
    "{\"images\": [{\"id\": 1}]}",
  ])
  func damagedJSONIsRefused(_ content: String) throws {
    let made = try MadeSquares(1)
    #expect(throws: RecognitionError.self) { try coco(made, content) }
  }

  @Test func picturesAreHeldOutBySeed() throws {
    let made = try MadeSquares(10)
    let whole = try DetectionDataset.open(made.root)
    let (training, heldOut) = whole.split(heldOut: 0.2, seed: 3)
    #expect(training.images.count == 8 && heldOut.images.count == 2)
    #expect(
      Set(training.images.map(\.id) + heldOut.images.map(\.id)) == Set(whole.images.map(\.id))
    )
    #expect(whole.split(heldOut: 0.2, seed: 3).heldOut.images == heldOut.images)
  }

  @Test func picturesThatAreHeldOutAreNotTrainedOn() throws {
    let made = try MadeSquares(4)
    let all = try DetectionDataset.open(made.root)
    let others = all.split(heldOut: 0.5, seed: 1).heldOut
    let rest = all.without(others)
    #expect(rest.images.count == 2)
    #expect(Set(rest.images.map(\.id)).isDisjoint(with: others.images.map(\.id)))
  }
}
