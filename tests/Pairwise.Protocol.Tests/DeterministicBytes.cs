using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Pairwise.Protocol.Tests;

/// <summary>The bytes that the vectors name by a label: hashes of the label and a counter, one after the other.</summary>
internal static class DeterministicBytes
{
    public static byte[] Make(string label, int length)
    {
        var bytes = new List<byte>();
        Span<byte> counter = stackalloc byte[sizeof(uint)];
        for (var i = 0u; bytes.Count < length; i++)
        {
            BinaryPrimitives.WriteUInt32BigEndian(counter, i);
            bytes.AddRange(SHA512.HashData([.. Encoding.ASCII.GetBytes(label), .. counter]));
        }

        return [.. bytes.Take(length)];
    }
}
