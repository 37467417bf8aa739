using System.Buffers;

namespace Pairwise.Server.Xftp.Http;

/// <summary>
/// The memory of Kestrel's pipes, in blocks as long as a frame: bodies then cross them in few segments, and are hashed and
/// written in few calls. The blocks are those of the shared pool. Thread-safe.
/// </summary>
internal sealed class BulkMemory : MemoryPool<byte>
{
    public static readonly BulkMemory Instance = new();

    private const int BlockLength = 16 * 1024;

    private BulkMemory()
    {
    }

    public override int MaxBufferSize => Array.MaxLength;

    public override IMemoryOwner<byte> Rent(int minBufferSize = -1) => new Block(Math.Max(minBufferSize, BlockLength));

    // There is one for the whole process, which connections borrow.
    protected override void Dispose(bool disposing)
    {
    }

    private sealed class Block(int length) : IMemoryOwner<byte>
    {
        private byte[]? _array = ArrayPool<byte>.Shared.Rent(length);

        public Memory<byte> Memory => _array ?? throw new ObjectDisposedException(nameof(Block));

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _array, null) is { } array)
            {
                ArrayPool<byte>.Shared.Return(array);
            }
        }
    }
}
