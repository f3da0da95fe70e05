"""Where the protocol's messages are registered.

tritonclient and kserve register the same names in the default pool; were ours there too, a process
could import one of the three alone.
"""

from google.protobuf.descriptor_pool import DescriptorPool

POOL = DescriptorPool()
