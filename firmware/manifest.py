# What lands on a board: the node's files, listed once. For frozen builds, and read as plain text
# by provisioning: one `module(...)` or `package(...)` a line.

package("amont_wire", base_path="../core")  # noqa: F821
package("amont_watch", base_path="../core")  # noqa: F821
package("amont_node")  # noqa: F821
module("main.py")  # noqa: F821
