using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.IO.Pipelines;
using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;
using Pairwise.Crypto;
using Pairwise.Protocol.Xftp;
using Pairwise.Server.Xftp.Store;

namespace Pairwise.Server.Xftp;

/// <summary>Receives the body of an upload in pieces, as they come.</summary>
internal static class ChunkUpload
{
    /// <summary>Writes a body to a file and checks its size and digest; null if it is the announced one.</summary>
    /// <exception cref="IOException">The disk refused; the rest of the body can be read.</exception>
    public static async ValueTask<XftpError?> ReceiveAsync(PipeReader body, SafeFileHandle file, StoredChunk chunk, CancellationToken cancellationToken)
    {
        using var digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var segments = new List<ReadOnlyMemory<byte>>();
        long received = 0;
        while (true)
        {
            var read = await body.ReadAsync(cancellationToken);
            var buffer = read.Buffer;
            try
            {
                if (buffer.Length > chunk.Size - received)
                {
                    return XftpError.Size.Instance;
                }

                if (!buffer.IsEmpty)
                {
                    segments.Clear();
                    foreach (var segment in buffer)
                    {
                        digest.AppendData(segment.Span);
                        segments.Add(segment);
                    }

                    RandomAccess.Write(file, segments, received);
                    received += buffer.Length;
                }
            }
            finally
            {
                // Also when the disk refuses: the rest of the body is read before the answer.
                body.AdvanceTo(buffer.End);
            }

            if (read.IsCompleted)
            {
                break;
            }
        }

        return received == 0 ? XftpError.Size.Instance
            : received != chunk.Size ? XftpError.Size.Instance
            : CryptographicOperations.FixedTimeEquals(digest.GetHashAndReset(), chunk.Digest.Span) ? null : XftpError.Digest.Instance;
    }

    /// <summary>Reads to the end, or until there is more than <paramref name="limit"/>, and says how much there was.</summary>
    public static async ValueTask<long> CountAsync(PipeReader body, long limit, CancellationToken cancellationToken)
    {
        long count = 0;
        while (count <= limit)
        {
            var read = await body.ReadAsync(cancellationToken);
            count += read.Buffer.Length;
            body.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted)
            {
                break;
            }
        }

        return count;
    }
}

/// <summary>
/// The content of one download: read from the disk, encrypted for its recipient, and sent in pieces, so that memory does
/// not depend on its size. It owns the file and the encryption.
/// </summary>
internal sealed class ChunkDownload(SafeFileHandle file, uint size, BoxStream box) : IDisposable
{
    private const int PieceLength = 32 * 1024;

    public static bool TryOpen(string path, uint size, [NotNullWhen(true)] out SafeFileHandle? file)
    {
        file = null;
        try
        {
            file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, FileOptions.SequentialScan);
            if (RandomAccess.GetLength(file) == size)
            {
                return true;
            }
        }
        catch (Exception cause) when (cause is FileNotFoundException or DirectoryNotFoundException)
        {
            return false;
        }

        file.Dispose();
        file = null;
        return false;
    }

    /// <summary>Sends the content, as fast as the client takes it; a client that takes nothing for so long is given up.</summary>
    /// <exception cref="OperationCanceledException">The request was aborted, or the client took nothing for too long.</exception>
    // body = encrypted(chunk) tag
    public async ValueTask SendAsync(PipeWriter output, TimeSpan silence, TimeProvider time, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(silence, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        long position = 0;
        while (position < size)
        {
            var room = output.GetMemory(PieceLength);
            var piece = room[..(int)Math.Min(Math.Min(room.Length, PieceLength), size - position)];
            var count = RandomAccess.Read(file, piece.Span, position);
            if (count == 0)
            {
                throw new IOException("The content of a chunk became shorter while it was read.");
            }

            box.Encrypt(piece.Span[..count], piece.Span[..count]);
            output.Advance(count);
            position += count;
            limit.CancelAfter(silence);
            if ((await output.FlushAsync(either.Token)).IsCompleted)
            {
                // Kestrel's answer to a flush that was cancelled, too: the response must not end as if it were whole.
                either.Token.ThrowIfCancellationRequested();
                return; // the client has gone
            }
        }

        box.Finish(output.GetSpan(XftpLimits.TagLength)[..XftpLimits.TagLength]);
        output.Advance(XftpLimits.TagLength);
        limit.CancelAfter(silence);
        await output.FlushAsync(either.Token);
        either.Token.ThrowIfCancellationRequested();
    }

    public void Dispose()
    {
        box.Dispose();
        file.Dispose();
    }
}
