// swift-tools-version: 6.2
import PackageDescription

// A tool for the project's own tests; not part of what users build.
let package = Package(
  name: "mutation",
  dependencies: [.package(url: "https://github.com/swiftlang/swift-syntax", from: "603.0.1")],
  targets: [
    .executableTarget(
      name: "mutate",
      dependencies: [
        .product(name: "SwiftSyntax", package: "swift-syntax"), .product(name: "SwiftParser", package: "swift-syntax"),
      ])
  ]
)
