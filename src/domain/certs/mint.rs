//! Certificates for the tests of this room and of `xspd trust`, minted anew in every test.
//!
//! Four roots are kept as text because nothing that we build with can sign with SHA-1, MD5, DSA or
//! RSA of 1024 bits. They were made with `openssl req -x509 -days 36500` and their keys thrown away.

use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::BasicConstraints;
use rcgen::CertificateParams;
use rcgen::DnType;
use rcgen::ExtendedKeyUsagePurpose;
use rcgen::IsCa;
use rcgen::Issuer;
use rcgen::KeyPair;
use rcgen::KeyUsagePurpose;
use rcgen::date_time_ymd;

use crate::domain::certs::date;
use crate::domain::certs::pem;
use crate::domain::ids::Fingerprint;

/// A certificate and what is needed to issue others with it.
pub(crate) struct Minted {
    pub(crate) der: Vec<u8>,
    issuer: Issuer<'static, KeyPair>,
}

impl Minted {
    pub(crate) fn root(params: CertificateParams) -> Self {
        Self::root_with(params, KeyPair::generate().unwrap())
    }

    pub(crate) fn root_with(params: CertificateParams, key: KeyPair) -> Self {
        let der = params.self_signed(&key).unwrap().der().to_vec();
        Self {
            der,
            issuer: Issuer::new(params, key),
        }
    }

    pub(crate) fn issue(&self, params: CertificateParams) -> Self {
        let key = KeyPair::generate().unwrap();
        let der = params.signed_by(&key, &self.issuer).unwrap().der().to_vec();
        Self {
            der,
            issuer: Issuer::new(params, key),
        }
    }

    pub(crate) fn pem(&self) -> String {
        pem::certificate(&self.der)
    }

    pub(crate) fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.der)
    }

    pub(crate) const fn issuer(&self) -> &Issuer<'static, KeyPair> {
        &self.issuer
    }

    pub(crate) fn key_pem(&self) -> String {
        self.issuer.key().serialize_pem()
    }
}

/// A root and an issuing certificate, named as Webex's are.
pub(crate) struct Webex {
    pub(crate) root: Minted,
    pub(crate) issuing: Minted,
}

impl Webex {
    pub(crate) fn of(year: i32) -> Self {
        let root = Minted::root(since(ca("Internal Private Root"), year));
        let issuing = root.issue(since(ca("Internal Private TLS SubCA"), year));
        Self { root, issuing }
    }

    /// As Partner Hub gives it: the root first.
    pub(crate) fn pem(&self) -> String {
        format!("{}{}", self.root.pem(), self.issuing.pem())
    }
}

/// 15 January 2027, 00:00 UTC.
pub(crate) fn now() -> SystemTime {
    date::from_unix(1_799_971_200).unwrap()
}

/// A CA of the years 2023 to 2033.
pub(crate) fn ca(name: &str) -> CertificateParams {
    let mut params = named(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

/// A server or client of the years 2023 to 2033 with one SAN dNSName.
pub(crate) fn leaf(host: &str, purpose: ExtendedKeyUsagePurpose) -> CertificateParams {
    let mut params = named(host);
    params.subject_alt_names = vec![rcgen::SanType::DnsName(host.try_into().unwrap())];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![purpose];
    params
}

/// Nothing but a common name and the years 2023 to 2033.
pub(crate) fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    since(params, 2023)
}

/// Ten years from the first of January of `year`.
pub(crate) fn since(mut params: CertificateParams, year: i32) -> CertificateParams {
    params.not_before = date_time_ymd(year, 1, 1);
    params.not_after = date_time_ymd(year + 10, 1, 1);
    params
}

/// A root signed by itself with SHA-1.
pub(crate) fn sha1_root() -> Vec<u8> {
    STANDARD.decode(SHA1_ROOT).unwrap()
}

/// A root signed by itself with MD5.
pub(crate) fn md5_root() -> Vec<u8> {
    STANDARD.decode(MD5_ROOT).unwrap()
}

/// A root with an RSA key of 1024 bits.
pub(crate) fn short_root() -> Vec<u8> {
    STANDARD.decode(SHORT_ROOT).unwrap()
}

/// A root with a DSA key.
pub(crate) fn dsa_root() -> Vec<u8> {
    STANDARD.decode(DSA_ROOT).unwrap()
}

/// RSA 2048, sha1WithRSAEncryption, to 2126.
const SHA1_ROOT: &str = "MIIDHTCCAgWgAwIBAgIUZxeAmFw6HRvBARRqCpv4xmZG0aswDQYJKoZIhvcNAQEFBQAwFTETMBEGA1UEAwwKU0hB\
     LTEgUm9vdDAgFw0yNjExMjIwMDEyMzNaGA8yMTI2MTAyOTAwMTIzM1owFTETMBEGA1UEAwwKU0hBLTEgUm9vdDCC\
     ASIwDQYJKoZIhvcNAQEBBQADggEPADCCAQoCggEBAJQuuK0rv11uryC1VON2T2q34IxycsM/+62izHHl8mJDpr27\
     FDumvg9ecP8BuzFrTP6qOVXHt5c4BRpx7SSkC7mWGtYhvN1R9awM6AIPOuWPQabCafk2BDu8uq73fh6xdamDL77t\
     Myn82K70IjEWm4fG5j7ufoDM4Cxl7uEF0mu3r+bV7SWQ26vnkFUwAaH2zg6GD+fNXDE8l2O4YW4PNsao9+9HoNHG\
     nLO0DImUaOHHIbJvmVXG3hknuBKpY9AkVik2JLrZ8w1w2U+7wMrqpu1uTunBD+RxjxbnWRufA36ZX1RbKsazCTV4\
     aM5356CbVaRKxZaBysAbmQehpPNW2kECAwEAAaNjMGEwHQYDVR0OBBYEFJxSpF8+nCbYyjsl/trrmHSHXhr3MB8G\
     A1UdIwQYMBaAFJxSpF8+nCbYyjsl/trrmHSHXhr3MA8GA1UdEwEB/wQFMAMBAf8wDgYDVR0PAQH/BAQDAgIEMA0G\
     CSqGSIb3DQEBBQUAA4IBAQALNAAXzsGwSsvXrBDDqCcFC/2iGdVJoG7peol3+MxZbdG+cP9bZppuuTqGVquzUX9O\
     bH4Eb8fCQgSK0shSY4Rx+Os2dEjlc1QqtPXqkvWLNZdaj9E0T9cl3Ufu6UTuGI76KpT6po7JRTnge3V78ZoCkOvm\
     pLnLcrRq4OQ3B9WXIbWfdLtcmrAvVIO6EXxX1uE27gTQbJCiL02WMgXd1vygHUhYaMTWoCUeyXtjF/ZlS9Uls5Km\
     e+iscw+L39dbfXX5FmaopP3s97uoMhKAq5OOtW+0GszuoY8JKEy1GTPyC11sTIO5SF/3tEXsv8H+52O9YD5LqStW\
     vjvbNZ1PvKXA";

/// RSA 2048, md5WithRSAEncryption, to 2126.
const MD5_ROOT: &str = "MIIDGTCCAgGgAwIBAgIUCJAoA8Nwq/T8KRdtuoNH6oSeCxswDQYJKoZIhvcNAQEEBQAwEzERMA8GA1UEAwwITUQ1\
     IFJvb3QwIBcNMjYxMTIyMDAxMjM1WhgPMjEyNjEwMjkwMDEyMzVaMBMxETAPBgNVBAMMCE1ENSBSb290MIIBIjAN\
     BgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA2rJJn1MeKoW0IVHHM7wUw04EVMLBneiyIRZRxSJsjbTBs36gMFuR\
     DcSrRuGXD07H88uwfgCIJt0QB0Vu5JEGVlN219tkB3Ss5+HVYoz3Ms0xaFnc76ek1IZcS3XyBJIFCbGXZ1QFgPBW\
     r4hzIbb8MLws9UsWjQhs0XXc4V8sC8RNvh0bDiJZ1Y/v3IjUrHSt0oo5FN92auPr+I/EGILJzg7Dq08avnkjpjrl\
     vU4teISIIl/OlX0FJewWPAt1G5ujXntboU+GmXf3zSC7eKHuF+0xu/EWIshrSD5zJjJ+l4ToU/wbjZQyLfXLZfTz\
     Y5viZn83zf9MU6zQ1h35oO1tPwIDAQABo2MwYTAdBgNVHQ4EFgQUls/n8P5FuGnmhGQmyI/LszmcrcIwHwYDVR0j\
     BBgwFoAUls/n8P5FuGnmhGQmyI/LszmcrcIwDwYDVR0TAQH/BAUwAwEB/zAOBgNVHQ8BAf8EBAMCAgQwDQYJKoZI\
     hvcNAQEEBQADggEBAALjUNiq5RrbwR4N1gk66S/+DMnOuNwMI4tIwqp24WceBxDE2CYAPHAO1hQe8++6ks+3dbee\
     ZmiEf8pB7uKC0sAZDwH26Wmrm4ogiLzx3X0fk8b2YQjrS2V4YPqlNep8VtfHYpovwZMdgieTewEu77SLsA2Xqf+v\
     rY77JnBffqaamif9xtgTzWFnEFhV+1fFRAuZIguyH1dl0y1gr3XcmBkHYHa5MC2QHO8wiHfmux8FHJsKMBIKOryD\
     2BSVoZHmT4QMxX5KNELlvCLcqaVZb7tY8qoUe8ATi8xcuVpUi5kmWHNquCF8QDYj6JZyODVusrgzyIkxau610UZO\
     63fi+HQ=";

/// RSA 1024, sha256WithRSAEncryption, to 2126.
const SHORT_ROOT: &str = "MIICGDCCAYGgAwIBAgIUAdDUI/dHO/1CaN56RH8ohUqo5ogwDQYJKoZIhvcNAQELBQAwFTETMBEGA1UEAwwKU2hv\
     cnQgUm9vdDAgFw0yNjExMjIwMDEyMzNaGA8yMTI2MTAyOTAwMTIzM1owFTETMBEGA1UEAwwKU2hvcnQgUm9vdDCB\
     nzANBgkqhkiG9w0BAQEFAAOBjQAwgYkCgYEA6t+fSOsgRd6zVr2XswrRoPmzWv4cT7ZYUZAoviCx5kmAi4YEvsD6\
     guYaWMcy7wdK+FaT2UIdIM/7jIq87JemlMbllaahn4jNodJXvQVC4xbQ5ReTQ63uARVFOxQn14AabuJtDWit59AQ\
     kpwrhzzKTzN8FafE1XrI8ignf9ta3iMCAwEAAaNjMGEwHQYDVR0OBBYEFNJ022w8o60fsJo1/Yu190f75wrtMB8G\
     A1UdIwQYMBaAFNJ022w8o60fsJo1/Yu190f75wrtMA8GA1UdEwEB/wQFMAMBAf8wDgYDVR0PAQH/BAQDAgIEMA0G\
     CSqGSIb3DQEBCwUAA4GBAHqQiTnHCUGzY+zLQ0rg/9IgyWIJIbFM0z2KUeA40+7HQ6YK1SZ4itJzsz5Z8L8g6YZS\
     FPcKYk2RLWjTSCEiWXJghXrHukDt3FSQSXc+3E54Lic9DLcuNPPZZ1blU/tGgoF2B+FavyyYqGQYd7tqq73aPs9N\
     Gc9Fy1zwVfQTQJHi";

/// DSA 2048, dsa_with_SHA256, to 2126.
const DSA_ROOT: &str = "MIIEYjCCBBCgAwIBAgIUU260cU5pZsVMYbbKGRtrloa+PnQwCwYJYIZIAWUDBAMCMBMxETAPBgNVBAMMCERTQSBS\
     b290MCAXDTI2MTEyMjAwMTIzNFoYDzIxMjYxMDI5MDAxMjM0WjATMREwDwYDVQQDDAhEU0EgUm9vdDCCA0MwggI2\
     BgcqhkjOOAQBMIICKQKCAQEAtPxGJPdK9CqXX3kjVYVm7+pEUQjw/fG6WNjggu7mfJXhNVCX7JcqcVYB4fH3EWkH\
     oJ0dSexJ19qSXSR0AtRynI7ARpa3rDiqTyTZD/DiFPsni7G5ZAXDsuXnKGNFXZUyrB9wW1t1ZTCnGVF6jRW99Rvl\
     Rk3yii9GWFr4BZmzLHxRf2J4GmmpoWq+hHm4WkljES/rAlkdq6kWKcIgo8KExY7+QeEDg0IYU/EqI5S+d83ANZ0o\
     TSX3S958ANNecvdO78aHZYUi/XqcH24k6Qik5J7PLtaWCLTJVQozCclv0y88aRrc4uwtxXi3lB7b7dTGcP+ge1oW\
     HRtlhSwHjTD09wIdAJTSeF2dzFg6tUQzRJ7HS4Ncg5ybhtj7HFdfKoUCggEBAJzrXREg3ijon8orCwjg7KBIPfxM\
     KYaVy4x+sGqBZRtVijZ20Q9pJ4oo9S21TL6Ec2gac+lVahZUN22d6hgpVJ7mEE57ZeGXUnzBmcU53J4nN+kvP0sq\
     /dd2sJ1lr9Ti3ChCTMMnCPjBsXVcdvkS+hOv8+gcmwfb9LID+L3byBWSLWR7GpEn+wej2HShKAtyfNaN8yfiwGNT\
     nqGlM0lyIYEO/MIuSYzpk+1q+pafNPWIFSYY7JgTVMLfFAPq7ldSrsPBRfLA4Hb+fKfaZiYKABfLzjd2zGrgRtjs\
     x++Jal0DVI2+/tt7Vxvdze7N+W5KkGt1yt4gJzr5rDtQVEndaAQDggEFAAKCAQBVX+6EN14t91gy1TDwKl2VtS2V\
     A5SgmTV9hk/Pi2xrdi+b3gnqCrIr4x8W54fuBB/KRAOH4vq+HsQDsy7XPTofYSdkUxgWQdcdjDkOiPAgxmz+8vlX\
     FMtGJFDNozF9tN7ZX1TI1lQzqcGkBu8R+zOKUn+5fW/mMeaDNRxFcTZoJoF1uolJ0ZzVwCjAZ9wxJ5zGf+e0v2RQ\
     T1omloJ4xAJnSP2fwPg9oU4It7CAlkstIt3oLLjaUVkE0dlSK1/GOtvavb2N6L0AeW3mO2fLyJwVdqL3myUkEupu\
     poN8t6MAJY2Quw6EhGlFnCYtomptQUiRj4/PBec959s1gl/UzB3oo1MwUTAdBgNVHQ4EFgQUhs8fMc1iwJq6p2r1\
     ZtVgMMES6fwwHwYDVR0jBBgwFoAUhs8fMc1iwJq6p2r1ZtVgMMES6fwwDwYDVR0TAQH/BAUwAwEB/zALBglghkgB\
     ZQMEAwIDPwAwPAIcPCrdskXAMYVQ7ODKxCRUPk0VlyKjDRFpJ6VrhAIcJ01AE2l3WKL4wI4G6YXMMEXT94soO6q/\
     jjwoug==";
