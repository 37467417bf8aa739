using System.Buffers.Binary;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using System.Security.Cryptography;

namespace Pairwise.Crypto.Tests;

/// <summary>What constant-time code may call: methods whose time does not depend on what they compute with.</summary>
internal static class ReviewedCalls
{
    public enum Rule
    {
        /// <summary>Not on the list.</summary>
        Unknown,

        /// <summary>The result is secret if an argument is.</summary>
        Computes,

        /// <summary>Reads memory: the place may not be secret, the result is.</summary>
        Reads,

        /// <summary>Finds a place in memory or checks a length: no argument may be secret, and the result is not.</summary>
        Locates,

        /// <summary>Writes its first argument (or itself) to a place that may not be secret.</summary>
        Writes,

        /// <summary>Works on whole buffers, or is a primitive of its own (hash, random source).</summary>
        Trusted,
    }

    private static readonly HashSet<string> VectorReads = ["LoadUnsafe"];

    private static readonly HashSet<string> VectorWrites = ["StoreUnsafe", "CopyTo"];

    private static readonly HashSet<string> VectorArithmetic =
    [
        "Create", "op_Addition", "op_Subtraction", "op_Multiply", "op_BitwiseAnd", "op_BitwiseOr", "op_ExclusiveOr", "op_LeftShift",
        "op_UnsignedRightShift", "AndNot", "ConditionalSelect", "GreaterThan", "LessThan", "Max", "Min", "MultiplyHigh", "Narrow",
        "ShiftRightArithmetic", "Shuffle", "ToScalar", "Widen", "get_One", "get_IsSupported",
    ];

    public static Rule RuleOf(MethodBase method)
    {
        var type = method.DeclaringType!;
        var definition = type.IsGenericType ? type.GetGenericTypeDefinition() : type;
        if (definition == typeof(Vector256) || definition == typeof(Vector256<>) || definition == typeof(Avx2))
        {
            // A vector made from a span is read from memory.
            if (VectorReads.Contains(method.Name) || method.GetParameters().Any(parameter => parameter.ParameterType.IsByRefLike && method.Name == "Create"))
                return Rule.Reads;
            if (VectorWrites.Contains(method.Name))
                return Rule.Writes;
            return VectorArithmetic.Contains(method.Name) ? Rule.Computes : Rule.Unknown;
        }

        if (definition == typeof(Span<>) || definition == typeof(ReadOnlySpan<>))
            return method.Name is "CopyTo" or "Clear" ? Rule.Trusted : method.Name == "Fill" ? Rule.Writes : Rule.Locates;
        if (definition == typeof(Unsafe))
            return method.Name is "Add" or "Subtract" ? Rule.Locates : Rule.Unknown;
        if (definition == typeof(MemoryMarshal))
            return method.Name is "GetReference" or "Cast" or "AsBytes" ? Rule.Locates : Rule.Unknown;
        if (definition == typeof(MemoryExtensions))
            return method.Name is "AsSpan" ? Rule.Locates : Rule.Unknown;
        if (definition.FullName!.StartsWith("System.ValueTuple`", StringComparison.Ordinal))
            return Rule.Computes;
        if (definition == typeof(Math))
            return method.Name == "BigMul" ? Rule.Computes : method.Name is "Min" or "Max" ? Rule.Locates : Rule.Unknown;
        if (definition == typeof(ArgumentOutOfRangeException) || definition == typeof(ArgumentNullException) || definition == typeof(ArgumentException))
            return Rule.Locates;
        if (definition.FullName!.StartsWith("System.Collections.Generic.List`", StringComparison.Ordinal)
            || definition == typeof(DefaultInterpolatedStringHandler)
            || definition == typeof(object)
            || definition == typeof(GC))
        {
            // The layout of encodings, messages of a caller's mistakes, and memory.
            return Rule.Locates;
        }

        return definition == typeof(IRandomSource) || definition == typeof(BinaryPrimitives) || definition == typeof(Digests) || definition == typeof(CryptographicOperations) || definition == typeof(IDisposable)
            ? Rule.Trusted
            : Rule.Unknown;
    }
}
