using System.Buffers;
using System.Text;

namespace Pairwise.Protocol.Agent;

/// <summary>Writes the query of a link: names and values in the order of their adding, percent-encoded.</summary>
internal sealed class QueryBuilder
{
    // unreserved = ALPHA / DIGIT / "-" / "_" / "." / "~"
    private static readonly SearchValues<byte> Unreserved =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~"u8);

    private readonly StringBuilder _text = new();

    public bool IsEmpty => _text.Length == 0;

    // query = name "=" value *("&" name "=" value) ; percent-encoded UTF-8
    public QueryBuilder Add(string name, string value)
    {
        if (_text.Length > 0)
        {
            _text.Append('&');
        }

        _text.Append(name).Append('=');
        foreach (var octet in Encoding.UTF8.GetBytes(value))
        {
            if (Unreserved.Contains(octet))
            {
                _text.Append((char)octet);
            }
            else
            {
                _text.Append('%').Append(Convert.ToHexString([octet]));
            }
        }

        return this;
    }

    public override string ToString() => _text.ToString();
}
