namespace Pairwise.Chat.Images;

/// <summary>The coefficients that a scan tells, and which of their bits (T.81, annex G).</summary>
/// <param name="first">The first coefficient.</param>
/// <param name="last">The last one.</param>
/// <param name="high">Zero for the first scan of these coefficients.</param>
/// <param name="low">How many low bits later scans tell.</param>
internal sealed class JpegBand(int first, int last, int high, int low)
{
    public int First { get; } = first;

    public int Last { get; } = last;

    public int High { get; } = high;

    public int Low { get; } = low;

    /// <summary>Blocks, this one included, in which nothing more comes.</summary>
    public int RunOfEnds { get; set; }

    /// <summary>Reads the coefficients of a block from <paramref name="from"/> on.</summary>
    public bool TryReadAc(JpegHuffman table, int from, Span<short> block, ref JpegBits bits)
    {
        if (RunOfEnds > 0)
        {
            RunOfEnds--;
            return true;
        }

        for (var k = from; k <= Last; k++)
        {
            var code = table.Read(ref bits);
            if (code < 0)
                return false;
            var (run, length) = (code >> 4, code & 15);
            if (length == 0)
            {
                if (run < 15)
                {
                    RunOfEnds = (1 << run) - 1 + bits.Take(run);
                    return true;
                }

                k += 15;
                continue;
            }

            k += run;
            if (k > Last)
                return false;
            block[JpegTables.ZigZag[k]] = unchecked((short)(bits.TakeSigned(length) << Low));
        }

        return true;
    }

    /// <summary>Reads one more bit of coefficients that are known already, and those that become known with it.</summary>
    public bool TryRefineAc(JpegHuffman table, Span<short> block, ref JpegBits bits)
    {
        var k = First;
        while (RunOfEnds == 0 && k <= Last)
        {
            var code = table.Read(ref bits);
            if (code < 0)
                return false;
            var (run, length) = (code >> 4, code & 15);
            short value = 0;
            if (length != 0)
            {
                value = (short)(bits.Next() == 1 ? 1 << Low : -(1 << Low));
            }
            else if (run < 15)
            {
                RunOfEnds = (1 << run) + bits.Take(run);
                break;
            }

            for (; k <= Last; k++)
            {
                ref var coefficient = ref block[JpegTables.ZigZag[k]];
                if (coefficient != 0)
                {
                    Refine(ref coefficient, ref bits);
                    continue;
                }

                if (run == 0)
                {
                    coefficient = value;
                    k++;
                    break;
                }

                run--;
            }
        }

        if (RunOfEnds > 0)
        {
            for (; k <= Last; k++)
            {
                ref var coefficient = ref block[JpegTables.ZigZag[k]];
                if (coefficient != 0)
                    Refine(ref coefficient, ref bits);
            }

            RunOfEnds--;
        }

        return true;
    }

    private void Refine(ref short coefficient, ref JpegBits bits)
    {
        var step = 1 << Low;
        if (bits.Next() == 1 && (coefficient & step) == 0)
            coefficient = unchecked((short)(coefficient + (coefficient > 0 ? step : -step)));
    }
}
